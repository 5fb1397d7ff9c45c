import { AgentError } from '../../core/errors.ts'
import type { NutConnection } from './connection.ts'
import { quoteWord } from './quoting.ts'
import { isRefusal, NutRefusal, outOfOrder } from './refusal.ts'
import { passwordCommand } from './repeated.ts'

export interface LoginOptions {
  readonly at: string
  /** The UPS's name in upsd. */
  readonly name: string
  readonly credentials: { readonly user: string; readonly password: string } | undefined
  /** Whether we log in at all. */
  readonly login: boolean
  readonly onLoginRefused: ((why: string) => void) | undefined
  readonly onLogin: (() => void) | undefined
}

/** Our user and our login at upsd, for each connection: a new connection starts without them. */
export interface Login {
  /** Whether a connection that is open is logged in. */
  isIn(): boolean
  /** Sends user and password, once per connection. @throws AgentError `misconfigured` where there are none */
  identify(nut: NutConnection): Promise<void>
  /** Logs in where configured. A refused login is not repeated on the same connection, except after `want`. */
  ensure(nut: NutConnection): Promise<void>
  /** From now on we stay logged in. A refused login is tried again: upsd.users may have been fixed. */
  want(present: NutConnection | undefined): boolean
  /** From now on we stay logged out. */
  unwant(): void
  /** The login on this connection that is under way, or is over. */
  attemptOn(nut: NutConnection): Promise<void> | undefined
  /** Whether this connection is logged in and should not be. */
  isToLeave(nut: NutConnection): boolean
  /** Nothing is logged in any more. */
  forget(): void
}

export function createLogin({ at, name, credentials, login, onLogin, onLoginRefused }: LoginOptions): Login {
  /** The connection that is logged in. */
  let loggedIn: NutConnection | undefined
  /** After LOGOUT we stay logged out until `want`: the primary must not wait for a cluster that is down. */
  let loggedOut = false
  /** Whether the last login failed because of a repeated word; twice in a row counts as a refusal. */
  let isDisorderly = false
  /** Per connection there is one login, whoever waits for it: upsd refuses a second USERNAME. */
  const logins = new WeakMap<NutConnection, Promise<void>>()
  const refused = new WeakSet<NutConnection>()
  const identities = new WeakMap<NutConnection, Promise<void>>()

  async function identify(nut: NutConnection): Promise<void> {
    if (!credentials)
      throw new AgentError('misconfigured', `upsd at ${at} needs a login for this: set user and password for ${name}`)
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

  async function ensure(nut: NutConnection): Promise<void> {
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

  return {
    isIn: () => loggedIn !== undefined && !loggedIn.closed,
    identify,
    ensure,
    want: (present) => {
      loggedOut = false
      if (!login || !credentials) return false
      if (present && refused.delete(present)) logins.delete(present)
      return true
    },
    unwant: () => void (loggedOut = true),
    attemptOn: (nut) => logins.get(nut),
    isToLeave: (nut) => nut === loggedIn && !nut.closed && loggedOut,
    forget: () => void (loggedIn = undefined),
  }
}

/** upsd answers OK to both in any case, and checks them with the first command that needs them. */
async function sayWho(nut: NutConnection, { user, password }: { user: string; password: string }): Promise<void> {
  await nut.ask(`USERNAME ${quoteWord(user)}`, 'USERNAME')
  await nut.ask(passwordCommand(password), 'PASSWORD')
}
