import { notWithin } from '../../core/duration.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { closedOnAbort, settled } from './abort.ts'
import { createBackoff } from './backoff.ts'
import type { NutConnection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { createLogin, type LoginOptions } from './login.ts'
import { createReconnection } from './reconnection.ts'
import { forUsersOnly, isRefusal, NutRefusal, outOfOrder, UnclearAnswer } from './refusal.ts'

export interface Session extends AsyncDisposable {
  readonly loggedIn: boolean
  /** Whether the present connection is encrypted. */
  readonly secure: boolean
  /** Over the current connection, or a new one; logs in first where configured. */
  use<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T>
  /** The same for an action that only asks: it is done again where the server's own ways were found out by it. */
  ask<T>(signal: AbortSignal, action: (nut: NutConnection) => Promise<T>): Promise<T>
  /** Sends user and password, once per connection. @throws AgentError `misconfigured` where there are none */
  identify(nut: NutConnection): Promise<void>
  logOut(signal: AbortSignal): Promise<void>
  logIn(signal: AbortSignal): Promise<void>
}

export interface SessionOptions extends LoginOptions {
  /** In ms. */
  readonly retryUpTo: number
  readonly dialect: Dialect
  readonly dial: (signal: AbortSignal) => Promise<NutConnection>
}

/** For how long each call has waited, by its signal. */
function createWaits(at: string) {
  const begins = new WeakMap<AbortSignal, number>()
  return {
    begin: (signal: AbortSignal) => void (begins.has(signal) || begins.set(signal, performance.now())),
    tooLate: (signal: AbortSignal) => {
      const waited = performance.now() - (begins.get(signal) ?? performance.now())
      return new AgentError('unreachable', `upsd at ${at} did not answer ${notWithin(waited)}`)
    },
  }
}

/** One connection, replaced with the next call after it was lost; and its login. */
export function createSession(options: SessionOptions): Session {
  const { at, retryUpTo, dial, dialect } = options
  const login = createLogin(options)
  const backoff = createBackoff(retryUpTo)
  const closing = new AbortController()
  const { begin, tooLate } = createWaits(at)
  const connection = createReconnection({ check: backoff.check, establish, closing: closing.signal, tooLate })
  let present: NutConnection | undefined
  /** Connections whose end does not count as a failure: the server answered on them, or we closed them. */
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
    begin(signal)
    if (signal.aborted) throw tooLate(signal)
    const nut = await connection.connected(signal)
    const { pipelining } = dialect
    try {
      const result = await closedOnAbort(nut, signal, giveUp, async () => {
        await login.ensure(nut)
        if (dialect.wantsUser) await login.identify(nut)
        return action(nut)
      })
      excuse(nut)
      return result
    } catch (error) {
      // What was found out of the server is no failure of it.
      const isLesson = pipelining !== dialect.pipelining
      if (error instanceof NutRefusal || error instanceof UnclearAnswer || isLesson) excuse(nut)
      else if (error instanceof AgentError && nut.closed && !excused.has(nut)) {
        // Once for each connection, however many calls were waiting on it.
        excused.add(nut)
        backoff.failed(error)
      }
      throw error
    }
  }

  /** The server has answered: resets the backoff. */
  function excuse(nut: NutConnection): void {
    excused.add(nut)
    backoff.succeeded()
  }

  async function establish(signal: AbortSignal): Promise<NutConnection> {
    begin(signal)
    try {
      const nut = await dial(signal)
      present = nut
      await closedOnAbort(nut, signal, giveUp, () => login.ensure(nut))
      return nut
    } catch (error) {
      // Our own timeout says nothing about the server, and a repeated word is fixed by a new connection.
      if (error instanceof AgentError && !signal.aborted && !isRefusal(error, ...outOfOrder)) backoff.failed(error)
      throw error
    }
  }

  async function logOut(signal: AbortSignal): Promise<void> {
    begin(signal)
    login.unwant()
    // A login may be under way, with a new connection or on one that was there.
    const latest = connection.latest()
    const nut = latest && (await settled(latest, signal, tooLate))
    const attempt = nut && login.attemptOn(nut)
    if (attempt) await settled(attempt, signal, tooLate)
    if (!nut || !login.isToLeave(nut)) return
    // Not used any more from here on: a login during LOGOUT needs another connection.
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

  /** Our timeout does not count as a failure of the server. */
  function giveUp(nut: NutConnection, signal: AbortSignal): AgentError {
    excused.add(nut)
    return tooLate(signal)
  }

  return {
    get loggedIn() {
      return login.isIn()
    },
    get secure() {
      return present !== undefined && !present.closed && present.isSecure
    },
    use,
    ask: (signal, action) => learning(options, signal, () => use(signal, action)),
    identify: login.identify,
    logOut,
    logIn,
    [Symbol.asyncDispose]: close,
  }
}

/** Asks again where the question has shown how the server wants to be asked. Each such thing is found out once. */
async function learning<T>(
  { dialect, credentials }: Pick<SessionOptions, 'dialect' | 'credentials'>,
  signal: AbortSignal,
  question: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const { pipelining } = dialect
    try {
      return await question()
    } catch (error) {
      const isSingle = pipelining !== 'fails' && dialect.pipelining === 'fails'
      // User and password, which were not said yet, may be what is missing. From now on they are said first.
      const isForUsers = !dialect.wantsUser && credentials !== undefined && isRefusal(error, ...forUsersOnly)
      if (signal.aborted || !(isSingle || isForUsers)) throw error
      if (isForUsers) dialect.wantsUser = true
    }
  }
}
