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
  let loggedIn = false
  /** After LOGOUT we stay out until the agent starts anew: the primary must not wait for a cluster that is down. */
  let loggedOut = false

  async function use<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T> {
    const nut = await connected(signal)
    const closeOnAbort = () => nut[Symbol.dispose]()
    signal.addEventListener('abort', closeOnAbort, { once: true })
    try {
      return await action(nut)
    } finally {
      signal.removeEventListener('abort', closeOnAbort)
      if (nut.closed) connection = undefined
    }
  }

  async function connected(signal: AbortSignal): Promise<NutConnection> {
    if (connection) {
      const present = await connection.catch(() => undefined)
      if (present && !present.closed) return present
    }
    loggedIn = false
    connection = connectNut({ host, port }, timeout, signal)
    const nut = await connection
    if (credentials && !loggedOut) await logIn(nut, credentials)
    return nut
  }

  async function logIn(nut: NutConnection, { user, password }: { user: string; password: string }): Promise<void> {
    try {
      // Both are answered OK whatever they are: upsd checks them at LOGIN.
      await nut.ask(`USERNAME ${quoteWord(user)}`, 'USERNAME')
      await nut.ask(`PASSWORD ${quoteWord(password)}`, 'PASSWORD')
      await nut.ask(`LOGIN ${ups}`, `LOGIN ${name} as ${user}`)
      loggedIn = true
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
      if (words[0]?.toUpperCase() !== 'VAR' || words.length < 4) {
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

  return {
    name,
    get loggedIn() {
      return loggedIn
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
      if (!loggedIn) return
      await use(signal, async (nut) => {
        await nut.ask('LOGOUT')
        nut[Symbol.dispose]()
      })
      loggedIn = false
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
      if (nut && !nut.closed && loggedIn) await nut.ask('LOGOUT').catch((error: unknown) => messageOf(error))
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
