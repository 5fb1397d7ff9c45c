import { AgentError, messageOf } from '../../core/errors.ts'
import type { Ups } from '../../core/ports.ts'
import type { UpsReading } from '../../core/power.ts'
import { connectNut, type NutAddress, type NutConnection, NutRefusal } from './connection.ts'
import { quoteWord } from './words.ts'

export interface UpsOptions extends NutAddress {
  /** The UPS's name in upsd. */
  readonly name: string
  /** Logs in as a secondary with these; reading needs neither. */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined
  /** How long one answer may take, in ms. */
  readonly timeout?: number
  /** Told once per connection that the server refuses our login; reading goes on. */
  readonly onLoginRefused?: (why: string) => void
}

/** Everything that upsd tells of a UPS. */
export interface UpsDetails {
  readonly variables: Readonly<Record<string, string>>
  /** Addresses of those who are logged in. */
  readonly clients: readonly string[]
  /** Instant commands. */
  readonly commands: readonly string[]
}

export interface NutUps extends Ups, AsyncDisposable {
  details(signal: AbortSignal): Promise<UpsDetails>
  /** Whether the present connection is logged in. */
  readonly loggedIn: boolean
}

/**
 * A UPS behind upsd. One connection is kept and made anew at the next call after it broke; upsd closes one that says
 * nothing for 60 s (networkupstools/nut server/upsd.c), so reading more often than that keeps it.
 */
export function createNutUps({ name, host, port, credentials, timeout = 3_000, onLoginRefused }: UpsOptions): NutUps {
  const ups = quoteWord(name)
  let connection: Promise<NutConnection> | undefined
  /** The connection that is logged in. */
  let loggedIn: NutConnection | undefined
  /** After LOGOUT we stay out until we are told otherwise: the primary must not wait for a cluster that is down. */
  let loggedOut = false
  /** Per connection there is one login, whoever waits for it: upsd refuses a second USERNAME. */
  const logins = new WeakMap<NutConnection, Promise<void>>()

  async function use<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T> {
    if (signal.aborted) throw tooLate()
    const nut = await connected(signal)
    return closedOnAbort(nut, signal, async () => {
      await logInOnce(nut)
      return action(nut)
    })
  }

  /** The protocol can't call a command off: who is in a hurry closes the connection. */
  async function closedOnAbort<T>(nut: NutConnection, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const close = () => nut.close(tooLate())
    if (signal.aborted) close()
    signal.addEventListener('abort', close, { once: true })
    try {
      return await action()
    } catch (error) {
      // An answer to something else means that question and answer are out of step, and stay so.
      if (error instanceof AgentError && error.code === 'malformed') nut.close(error)
      throw error
    } finally {
      signal.removeEventListener('abort', close)
    }
  }

  /** One attempt at a time, whoever waits for it: a second connection would be logged in a second time. */
  async function connected(signal: AbortSignal): Promise<NutConnection> {
    for (let seen = connection; ; seen = connection) {
      const present = seen && (await withinSignal(seen, signal))
      if (present && !present.closed) return present
      // Somebody else may have begun anew while we waited.
      if (connection !== seen) continue
      connection = establish(signal)
      return connection
    }
  }

  /** What an attempt under way comes to: undefined where it fails. Its owner's patience may be longer than ours. */
  function withinSignal<T>(attempt: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(tooLate())
      signal.addEventListener('abort', stop, { once: true })
      const settle = (outcome?: T) => {
        signal.removeEventListener('abort', stop)
        resolve(outcome)
      }
      attempt.then(settle, () => settle())
    })
  }

  async function establish(signal: AbortSignal): Promise<NutConnection> {
    const nut = await connectNut({ host, port }, timeout, signal)
    await closedOnAbort(nut, signal, () => logInOnce(nut))
    return nut
  }

  /** One that was refused is not tried again on the same connection. */
  async function logInOnce(nut: NutConnection): Promise<void> {
    if (!credentials || loggedOut) return
    const login = logins.get(nut) ?? logIn(nut, credentials)
    logins.set(nut, login)
    await login
  }

  async function logIn(nut: NutConnection, { user, password }: { user: string; password: string }): Promise<void> {
    try {
      // Both are answered OK whatever they are: upsd checks them at LOGIN.
      await nut.ask(`USERNAME ${quoteWord(user)}`, 'USERNAME')
      await nut.ask(`PASSWORD ${quoteWord(password)}`, 'PASSWORD')
      await nut.ask(`LOGIN ${ups}`, `LOGIN ${name} as ${user}`)
      loggedIn = nut
    } catch (error) {
      if (!(error instanceof NutRefusal)) throw error
      onLoginRefused?.(error.message)
    }
  }

  /** Undefined where this UPS has no such variable, or has just lost it. */
  async function variable(nut: NutConnection, variableName: string): Promise<string | undefined> {
    try {
      const words = await nut.ask(`GET VAR ${ups} ${variableName}`)
      // The server repeats our spelling; the value is the last word.
      const isAnswer = words[0]?.toUpperCase() === 'VAR' && words[2]?.toLowerCase() === variableName.toLowerCase()
      if (!isAnswer || words.length < 4) {
        throw new AgentError(
          'malformed',
          `upsd at ${host}:${port} answers ${variableName} with: ${words.join(' ').slice(0, 80)}`,
        )
      }
      return words[3]
    } catch (error) {
      if (error instanceof NutRefusal && error.nutCode === 'VAR-NOT-SUPPORTED') return undefined
      throw error
    }
  }

  const isLoggedIn = () => loggedIn !== undefined && !loggedIn.closed
  const tooLate = () => new AgentError('unreachable', `upsd at ${host}:${port}: no answer in time`)

  return {
    name,
    get loggedIn() {
      return isLoggedIn()
    },
    read: (signal) =>
      use(signal, async (nut) => {
        // Sent together: single variables answer in under a millisecond, a whole LIST VAR in some forty.
        const [status, charge, runtime, load] = await Promise.all([
          variable(nut, 'ups.status'),
          variable(nut, 'battery.charge'),
          variable(nut, 'battery.runtime'),
          variable(nut, 'ups.load'),
        ])
        return parseReading({ status, charge, runtime, load })
      }),
    logOut: async (signal) => {
      loggedOut = true
      // A login may be under way, with a new connection or on one that was there.
      const nut = connection && (await withinSignal(connection, signal))
      const login = nut && logins.get(nut)
      if (login) await withinSignal(login, signal)
      // Who has logged in meanwhile has had the last word.
      if (!nut || nut !== loggedIn || nut.closed || !loggedOut) return
      // Nobody else uses it from here on: who logs in while LOGOUT is on its way needs another one.
      connection = undefined
      loggedIn = undefined
      try {
        await closedOnAbort(nut, signal, () => nut.ask('LOGOUT'))
      } finally {
        nut[Symbol.dispose]()
      }
    },
    logIn: async (signal) => {
      loggedOut = false
      if (credentials) await use(signal, async () => {})
    },
    details: (signal) =>
      use(signal, async (nut) => {
        const variables = await nut.list(`LIST VAR ${ups}`)
        const commands = await nut.list(`LIST CMD ${ups}`)
        const clients = await nut.list(`LIST CLIENT ${ups}`).catch((error: unknown) => {
          if (error instanceof NutRefusal) return [] // upsd before 2.6.4
          throw error
        })
        return {
          variables: Object.fromEntries(variables.map((words) => [words[2] ?? '', words[3] ?? ''])),
          clients: clients.map((words) => words[2] ?? ''),
          commands: commands.map((words) => words[2] ?? ''),
        }
      }),
    [Symbol.asyncDispose]: async () => {
      const nut = await connection?.catch(() => undefined)
      if (nut && isLoggedIn()) await nut.ask('LOGOUT').catch((error: unknown) => messageOf(error))
      nut?.[Symbol.dispose]()
    },
  }
}

/** upsd's strings as numbers in our units; what isn't a number counts as not told. */
function parseReading(raw: {
  status: string | undefined
  charge: string | undefined
  runtime: string | undefined
  load: string | undefined
}): UpsReading {
  const charge = toNumber(raw.charge)
  const seconds = toNumber(raw.runtime)
  const load = toNumber(raw.load)
  return {
    status: (raw.status ?? '').split(/\s+/).filter((token) => token !== ''),
    ...(charge === undefined ? {} : { charge }),
    ...(seconds === undefined ? {} : { runtime: seconds * 1_000 }),
    ...(load === undefined ? {} : { load }),
  }
}

function toNumber(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
