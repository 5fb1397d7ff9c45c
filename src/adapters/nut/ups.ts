import type { LookupFunction } from 'node:net'
import type { Ups } from '../../core/power/ports.ts'
import { numLogins, readDetails } from './details.ts'
import { createDial } from './dial.ts'
import { createDialect } from './dialect.ts'
import { createOrders } from './commands.ts'
import { createReader } from './reader.ts'
import { isRefusal } from './refusal.ts'
import { createSession } from './session.ts'
import type { NutAddress } from './socket.ts'
import { quoteWord } from './quoting.ts'

export interface UpsOptions extends NutAddress {
  /** The UPS's name in upsd. */
  readonly name: string
  /** What we call it; its name in upsd where nothing is said. */
  readonly label?: string | undefined
  /** Reading needs none. */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined
  /** Logs in as a secondary, for which the primary waits; true where nothing is said and there are credentials. */
  readonly login?: boolean | undefined
  /** 'preferred' goes on in plain text where the server has no TLS. 'off' where nothing is said. */
  readonly tls?: 'off' | 'preferred' | 'required' | undefined
  /** PEM: the CA of the server's certificate, or the certificate itself. */
  readonly ca?: string | undefined
  /** How long one answer may take, in ms; 3 s where nothing is said. */
  readonly timeout?: number | undefined
  /** The longest wait between two attempts to connect, in ms; 5 s where nothing is said. */
  readonly retryUpTo?: number | undefined
  /** Called once per connection when the server refuses our login; reading continues. */
  readonly onLoginRefused?: ((why: string) => void) | undefined
  /** Called when upsd has taken our login. */
  readonly onLogin?: (() => void) | undefined
  /** Called once when `preferred` continues in plain text, and again after TLS has worked in between. */
  readonly onInsecure?: ((why: string) => void) | undefined
  /** Called with each connection in TLS. */
  readonly onSecure?: (() => void) | undefined
  /** Called when a value can be meant in more than one way, with its line; with undefined when none can any more. */
  readonly onUnclear?: ((why: string | undefined) => void) | undefined
  /** How names become addresses, in place of the system's way. */
  readonly resolve?: LookupFunction | undefined
}

export interface NutUps extends Ups, AsyncDisposable {
  /** How many clients are logged in, ourselves among them. */
  numLogins(signal: AbortSignal): Promise<number>
  /** Whether our user may act as this UPS's primary. Asking changes nothing. */
  mayBePrimary(signal: AbortSignal): Promise<boolean>
  /** Sets a variable, and waits as `command` does. */
  set(variable: string, value: string, signal: AbortSignal): Promise<void>
  /** An instant command, with what some of them take besides (`load.off.delay 20`). */
  command(name: string, signal: AbortSignal, parameter?: string): Promise<void>
  /** Whether the present connection is logged in. */
  readonly loggedIn: boolean
  /** Whether the present connection is encrypted. */
  readonly secure: boolean
}

/**
 * A UPS behind upsd (RFC 9271), or behind a server that resembles it: what it knows is found out as it is read. One connection is kept and made anew at the next call after it broke; upsd closes one
 * that says nothing for 60 s (networkupstools/nut server/upsd.c), so reading more often than that keeps it. Where no
 * connection comes about the attempts are kept apart, and a call in between fails at once with the last failure.
 *
 * @throws AgentError `misconfigured` for a CA that can't be read
 */
export function createNutUps(options: UpsOptions): NutUps {
  const { name, label = name, host, port, credentials, login = true, tls = 'off', ca, timeout = 3_000 } = options
  const { retryUpTo = 5_000, onLogin, onLoginRefused, onSecure, onInsecure, onUnclear, resolve } = options
  const ups = quoteWord(name)
  const at = `${host}:${port}`
  const dialect = createDialect()
  const password = credentials?.password
  const dial = createDial({ host, port, tls, ca, timeout, onSecure, onInsecure, resolve, dialect, password })
  const session = createSession({ at, name, credentials, login, retryUpTo, dial, dialect, onLogin, onLoginRefused })
  const { use, identify } = session
  const { give, askOk } = createOrders(session, at)
  const reader = createReader({ name, at, dialect, onUnclear })

  return {
    name: label,
    get loggedIn() {
      return session.loggedIn
    },
    get secure() {
      return session.secure
    },
    get driver() {
      return reader.driver
    },
    read: (signal) => session.ask(signal, reader.read),
    readStatus: (signal) => session.ask(signal, reader.readStatus),
    logOut: session.logOut,
    logIn: session.logIn,
    details: async (signal) => {
      const told = await session.ask(signal, (nut) => readDetails(nut, ups, at))
      return { ...told, secure: session.secure }
    },
    numLogins: (signal) => session.ask(signal, (nut) => numLogins(nut, ups, at)),
    mayBePrimary: (signal) =>
      use(signal, async (nut) => {
        if (!credentials) return false
        await identify(nut)
        // Old servers know it under its old name (NUT before 2.8.0).
        for (const word of ['PRIMARY', 'MASTER']) {
          try {
            await askOk(nut, `${word} ${ups}`, `${word} ${name}`)
            return true
          } catch (error) {
            if (isRefusal(error, 'ACCESS-DENIED')) return false
            if (!isRefusal(error, 'UNKNOWN-COMMAND', 'INVALID-ARGUMENT') || word === 'MASTER') throw error
          }
        }
        return false
      }),
    set: async (variableName, value, signal) =>
      give(
        `SET VAR ${ups} ${quoteWord(variableName)} ${quoteWord(value)}`,
        `${variableName} = ${value.slice(0, 80)} of ${name}`,
        signal,
      ),
    command: async (command, signal, parameter) => {
      const words = [ups, quoteWord(command), ...(parameter === undefined ? [] : [quoteWord(parameter)])]
      await give(`INSTCMD ${words.join(' ')}`, `the command ${command} of ${name}`, signal)
    },
    [Symbol.asyncDispose]: session[Symbol.asyncDispose],
  }
}
