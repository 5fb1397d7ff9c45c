import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sessionLasts, signOutKept } from '../../core/access/session.ts'
import type { Records } from '../../core/records.ts'
import type { EndedSession } from '../../core/access/session.ts'
import type { KnownToken } from './tokens.ts'

/** In ms: a cookie that is older is made anew when it is used. */
export const renewsAfter = 3_600_000

/** What a cookie says. */
export interface Session {
  /** Stays the same when the cookie is made anew. */
  readonly id: string
  readonly token: KnownToken
  /** In ms since the epoch. */
  readonly expiresAt: number
}

export interface Sessions {
  /** Signs in whoever has sent a token. */
  begin(token: KnownToken): Session
  /** The same session with its time before it again. */
  renew(session: Session): Session
  /** What its cookie holds. */
  write(session: Session): string
  /** The session of a cookie; undefined where we did not make it, where it is over, or its token is. */
  read(cookie: string, tokens: readonly KnownToken[]): Session | undefined
  isOpen(session: Session, tokens: readonly KnownToken[]): boolean
  /** Signs out: no copy of the cookie counts any more. */
  end(session: Session): void
}

export interface SessionMeans {
  /** Signs cookies. */
  readonly key: Uint8Array
  readonly ended: Pick<Records<EndedSession>, 'get' | 'save'>
  /** In ms since the epoch. */
  now(): number
}

/**
 * Sessions of browsers, which are kept nowhere but in their cookies: `id.token.expiry.signature`. The token is named by a
 * keyed hash of it, so that one that is revoked takes its sessions with it, also if another is made under its name.
 */
export function createSessions({ key, ended, now }: SessionMeans): Sessions {
  const sign = (text: string) => createHmac('sha256', key).update(text).digest()
  const idOf = (token: KnownToken) => sign(`token ${token.hash.toString('hex')}`).toString('base64url')
  const signatureOf = (parts: string) => sign(`session ${parts}`)
  const endOf = ({ expiresAt }: KnownToken) => Math.min(now() + sessionLasts, expiresAt ?? Infinity)

  function isOpen({ id, token, expiresAt }: Session, tokens: readonly KnownToken[]): boolean {
    // Made by a clock that was days ahead, it would be good for longer than it is known that it was signed out.
    const isOfThisClock = expiresAt <= now() + signOutKept
    return (
      isOfThisClock &&
      now() < expiresAt &&
      tokens.some(({ hash }) => hash.equals(token.hash)) &&
      ended.get(id) === undefined
    )
  }

  return {
    isOpen,
    begin: (token) => ({ id: randomBytes(16).toString('base64url'), token, expiresAt: endOf(token) }),
    renew: (session) => ({ ...session, expiresAt: endOf(session.token) }),
    write: ({ id, token, expiresAt }) => {
      const parts = `${id}.${idOf(token)}.${expiresAt.toString(36)}`
      return `${parts}.${signatureOf(parts).toString('base64url')}`
    },
    read: (cookie, tokens) => {
      const match = /^(([-\w]{22})\.([-\w]{43})\.([0-9a-z]{1,11}))\.([-\w]{43})$/.exec(cookie)
      if (!match) return undefined
      const [, parts = '', id = '', tokenId = '', expiry = '', signature = ''] = match
      const signed = Buffer.from(signature, 'base64url')
      const expected = signatureOf(parts)
      if (signed.length !== expected.length || !timingSafeEqual(signed, expected)) return undefined
      const token = tokens.find((one) => idOf(one) === tokenId)
      const session = token && { id, token, expiresAt: Number.parseInt(expiry, 36) }
      return session && isOpen(session, tokens) ? session : undefined
    },
    end: ({ id }) => ended.save({ id, at: new Date(now()).toISOString() }),
  }
}

/** Whether its cookie is to be made anew, at its use. */
export function isWorn({ expiresAt, token }: Session, now: number): boolean {
  const isLimited = token.expiresAt !== undefined && expiresAt >= token.expiresAt
  return !isLimited && expiresAt - now < sessionLasts - renewsAfter
}

/** Its name. `__Host-` holds browsers to what we ask for, and wants TLS (RFC 6265bis 4.1.3.2). */
export function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-caretaker' : 'caretaker'
}

/** The value of the cookie by this name in a Cookie header; undefined also where it comes twice, as from a sibling's name. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  return values.length === 1 ? values[0] : undefined
}

/** A Set-Cookie header; without a session it takes the cookie away. */
export function setCookie(value: string | undefined, isSecure: boolean): string {
  const age = value === undefined ? 0 : sessionLasts / 1_000
  return `${cookieName(isSecure)}=${value ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
}
