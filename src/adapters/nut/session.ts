import { AgentError, messageOf } from '../../core/errors.ts'
import { closedOnAbort, settled } from './abort.ts'
import { createBackoff } from './backoff.ts'
import type { NutConnection } from './connection.ts'
import { createLogin, type LoginOptions } from './login.ts'
import { createReconnection } from './reconnection.ts'
import { isRefusal, NutRefusal, outOfOrder } from './refusal.ts'

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

export interface SessionOptions extends LoginOptions {
  /** In ms. */
  readonly retryUpTo: number
  readonly dial: (signal: AbortSignal) => Promise<NutConnection>
}

/** One connection, which is made anew at the next call after it broke; and whether it is logged in. */
export function createSession(options: SessionOptions): Session {
  const { at, retryUpTo, dial } = options
  const login = createLogin(options)
  const backoff = createBackoff(retryUpTo)
  const closing = new AbortController()
  const tooLate = () => new AgentError('unreachable', `upsd at ${at}: no answer in time`)
  const connection = createReconnection({ check: backoff.check, establish, closing: closing.signal, tooLate })
  let present: NutConnection | undefined
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
    if (closing.signal.aborted) throw new AgentError('unreachable', `upsd at ${at}: the session is closed`)
    if (signal.aborted) throw tooLate()
    const nut = await connection.connected(signal)
    try {
      const result = await closedOnAbort(nut, signal, giveUp, async () => {
        await login.ensure(nut)
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

  async function establish(signal: AbortSignal): Promise<NutConnection> {
    try {
      const nut = await dial(signal)
      present = nut
      await closedOnAbort(nut, signal, giveUp, () => login.ensure(nut))
      return nut
    } catch (error) {
      // Our own impatience says nothing about the server, and a word out of order is mended at once.
      if (error instanceof AgentError && !signal.aborted && !isRefusal(error, ...outOfOrder)) backoff.failed(error)
      throw error
    }
  }

  async function logOut(signal: AbortSignal): Promise<void> {
    login.unwant()
    // A login may be under way, with a new connection or on one that was there.
    const latest = connection.latest()
    const nut = latest && (await settled(latest, signal, tooLate))
    const attempt = nut && login.attemptOn(nut)
    if (attempt) await settled(attempt, signal, tooLate)
    if (!nut || !login.isToLeave(nut)) return
    // Nobody else uses it from here on: who logs in while LOGOUT is on its way needs another one.
    connection.drop()
    login.forget()
    try {
      await closedOnAbort(nut, signal, giveUp, () => nut.ask('LOGOUT'))
    } finally {
      nut[Symbol.dispose]()
    }
  }

  async function logIn(signal: AbortSignal): Promise<void> {
    if (login.want(present)) await use(signal, async () => {})
  }

  async function close(): Promise<void> {
    closing.abort()
    const nut = await connection.latest()?.catch(() => undefined)
    if (nut && login.isIn()) await nut.ask('LOGOUT').catch((error: unknown) => messageOf(error))
    nut?.[Symbol.dispose]()
  }

  /** Whoever is in a hurry says nothing about the server. */
  function giveUp(nut: NutConnection): AgentError {
    excused.add(nut)
    return tooLate()
  }

  return {
    get loggedIn() {
      return login.isIn()
    },
    get secure() {
      return present !== undefined && !present.closed && present.isSecure
    },
    use,
    identify: login.identify,
    logOut,
    logIn,
    [Symbol.asyncDispose]: close,
  }
}
