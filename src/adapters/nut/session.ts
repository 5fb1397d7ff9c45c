import { AgentError, messageOf } from '../../core/errors.ts'
import { createBackoff } from './backoff.ts'
import type { NutConnection } from './connection.ts'
import { isRefusal, NutRefusal, outOfOrder } from './refusal.ts'
import { quoteWord } from './quoting.ts'

export interface Session extends AsyncDisposable {
  readonly loggedIn: boolean
  /** Whether the present connection is encrypted. */
  readonly secure: boolean
  /** Over the present connection, or a new one; logged in first where that is wanted. */
  use<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T>
  /** Says user and password, once per connection. @throws AgentError `misconfigured` where there are none */
  identify(nut: NutConnection): Promise<void>
  logOut(signal: AbortSignal): Promise<void>
  logIn(signal: AbortSignal): Promise<void>
}

export interface SessionOptions {
  readonly at: string
  /** The UPS's name in upsd. */
  readonly name: string
  readonly credentials: { readonly user: string; readonly password: string } | undefined
  readonly login: boolean
  /** In ms. */
  readonly retryUpTo: number
  readonly dial: (signal: AbortSignal) => Promise<NutConnection>
  readonly onLoginRefused: ((why: string) => void) | undefined
  readonly onLogin: (() => void) | undefined
}

/** One connection, which is made anew at the next call after it broke; and whether it is logged in. */
export function createSession(options: SessionOptions): Session {
  const { at, name, credentials, login, retryUpTo, dial, onLogin, onLoginRefused } = options
  const backoff = createBackoff(retryUpTo)
  const closing = new AbortController()
  let connection: Promise<NutConnection> | undefined
  let present: NutConnection | undefined
  /** The connection that is logged in. */
  let loggedIn: NutConnection | undefined
  /** After LOGOUT we stay out until we are told otherwise: the primary must not wait for a cluster that is down. */
  let loggedOut = false
  /** Whether the last thing that went wrong was the order of things; twice in a row, and it is the server's way. */
  let isDisorderly = false
  /** Per connection there is one login, whoever waits for it: upsd refuses a second USERNAME. */
  const logins = new WeakMap<NutConnection, Promise<void>>()
  const refused = new WeakSet<NutConnection>()
  const identities = new WeakMap<NutConnection, Promise<void>>()
  /** Connections whose end says nothing about the server: it has answered on them, or we have closed them. */
  const excused = new WeakSet<NutConnection>()

  async function use<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T> {
    try {
      return await useOnce(signal, action)
    } catch (error) {
      if (!isRefusal(error, ...outOfOrder) || signal.aborted) throw error
      // Only a new connection has a user and a login of its own. Nothing but these was said on the old one.
      return useOnce(signal, action)
    }
  }

  async function useOnce<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T> {
    if (closing.signal.aborted) throw new AgentError('unreachable', `upsd at ${at}: we have closed already`)
    if (signal.aborted) throw tooLate()
    const nut = await connected(signal)
    try {
      const result = await closedOnAbort(nut, signal, async () => {
        await logInOnce(nut)
        return action(nut)
      })
      excuse(nut)
      return result
    } catch (error) {
      if (error instanceof NutRefusal) excuse(nut)
      else if (error instanceof AgentError && nut.closed && !excused.has(nut)) {
        // Once for each connection, whoever else was waiting on it.
        excused.add(nut)
        backoff.failed(error)
      }
      throw error
    }
  }

  /** It has answered: what comes after it is a new beginning. */
  function excuse(nut: NutConnection): void {
    excused.add(nut)
    backoff.succeeded()
  }

  /** The protocol can't call a command off: who is in a hurry closes the connection. */
  async function closedOnAbort<T>(nut: NutConnection, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const close = () => {
      excused.add(nut)
      nut.close(tooLate())
    }
    if (signal.aborted) close()
    signal.addEventListener('abort', close, { once: true })
    try {
      return await action()
    } catch (error) {
      // An answer to something else means that question and answer are out of step, and stay so.
      if (error instanceof AgentError && (error.code === 'malformed' || isRefusal(error, ...outOfOrder)))
        nut.close(error)
      throw error
    } finally {
      signal.removeEventListener('abort', close)
    }
  }

  /** One attempt at a time, whoever waits for it: a second connection would be logged in a second time. */
  async function connected(signal: AbortSignal): Promise<NutConnection> {
    for (let seen = connection; ; seen = connection) {
      const known = seen && (await withinSignal(seen, signal))
      if (known && !known.closed) return known
      // Somebody else may have begun anew while we waited.
      if (connection !== seen) continue
      backoff.check()
      connection = establish(AbortSignal.any([signal, closing.signal]))
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
    try {
      const nut = await dial(signal)
      present = nut
      await closedOnAbort(nut, signal, () => logInOnce(nut))
      return nut
    } catch (error) {
      // Our own impatience says nothing about the server, and a word out of order is mended at once.
      if (error instanceof AgentError && !signal.aborted && !isRefusal(error, ...outOfOrder)) backoff.failed(error)
      throw error
    }
  }

  async function identify(nut: NutConnection): Promise<void> {
    if (!credentials)
      throw new AgentError('misconfigured', `upsd at ${at} wants a user for this: set user and password for ${name}`)
    const identity = identities.get(nut) ?? sayWho(nut, credentials)
    identities.set(nut, identity)
    try {
      await identity
    } catch (error) {
      // It was not taken, so it may be said again.
      if (identities.get(nut) === identity) identities.delete(nut)
      throw error
    }
  }

  /** Both are answered OK whatever they are: upsd checks them when they matter. */
  async function sayWho(nut: NutConnection, { user, password }: { user: string; password: string }): Promise<void> {
    await nut.ask(`USERNAME ${quoteWord(user)}`, 'USERNAME')
    await nut.ask(`PASSWORD ${quoteWord(password)}`, 'PASSWORD')
  }

  /** One that was refused is not tried again on the same connection, unless somebody asks for it. */
  async function logInOnce(nut: NutConnection): Promise<void> {
    if (!login || !credentials || loggedOut) return
    const attempt = logins.get(nut) ?? sayLogin(nut, credentials.user)
    logins.set(nut, attempt)
    await attempt
  }

  async function sayLogin(nut: NutConnection, user: string): Promise<void> {
    try {
      await identify(nut)
      await nut.ask(`LOGIN ${quoteWord(name)}`, `LOGIN ${name} as ${user}`)
      loggedIn = nut
      isDisorderly = false
      onLogin?.()
    } catch (error) {
      if (!(error instanceof NutRefusal)) throw error
      if (isRefusal(error, ...outOfOrder) && !isDisorderly) {
        isDisorderly = true
        throw error
      }
      refused.add(nut)
      onLoginRefused?.(error.message)
    }
  }

  const isLoggedIn = () => loggedIn !== undefined && !loggedIn.closed
  const tooLate = () => new AgentError('unreachable', `upsd at ${at}: no answer in time`)

  return {
    get loggedIn() {
      return isLoggedIn()
    },
    get secure() {
      return present !== undefined && !present.closed && present.isSecure
    },
    use,
    identify,
    logOut: async (signal) => {
      loggedOut = true
      // A login may be under way, with a new connection or on one that was there.
      const nut = connection && (await withinSignal(connection, signal))
      const attempt = nut && logins.get(nut)
      if (attempt) await withinSignal(attempt, signal)
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
      if (!login || !credentials) return
      // What upsd has refused it may grant now: its users may have been mended since.
      if (present && refused.delete(present)) logins.delete(present)
      await use(signal, async () => {})
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      const nut = await connection?.catch(() => undefined)
      if (nut && isLoggedIn()) await nut.ask('LOGOUT').catch((error: unknown) => messageOf(error))
      nut?.[Symbol.dispose]()
    },
  }
}
