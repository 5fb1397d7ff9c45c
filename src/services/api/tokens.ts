import { createHash, timingSafeEqual } from 'node:crypto'
import type { Scope, Token } from '../../core/access/token.ts'

/** A token as it is compared. */
export interface KnownToken {
  readonly name: string
  readonly scope: Scope
  /** SHA-256 of the token. */
  readonly hash: Buffer
  /** In ms since the epoch; undefined: until it is revoked. */
  readonly expiresAt: number | undefined
}

/** A file or a variable may hold what a person chose: shorter ones can be guessed. In characters. */
export const shortestToken = 20
const longestToken = 512

/** Why a token can't be used, to follow what names it; undefined where it can. */
export function whyUnusableToken(token: string): string | undefined {
  if (token.length < shortestToken)
    return `has ${token.length} characters, which can be guessed: use ${shortestToken} or more, as \`openssl rand -hex 32\` makes them`
  if (token.length > longestToken) return `has more than ${longestToken} characters`
  return /^[!-~]+$/.test(token) ? undefined : 'has a space or a character in it that no HTTP header can carry'
}

export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** A token that `caretaker token create` has made. */
export function knownFrom({ name, scope, hash, expiresAt }: Token): KnownToken {
  return {
    name,
    scope,
    hash: Buffer.from(hash, 'hex'),
    expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
  }
}

/** Of all tokens the one that was sent. How long that takes tells nothing of them: hashes are compared, and all of them. */
export function findToken(all: readonly KnownToken[], sent: string, now: number): KnownToken | undefined {
  return findByHash(all, hashOfToken(sent), now)
}

export function findByHash(all: readonly KnownToken[], hash: Buffer, now: number): KnownToken | undefined {
  let found: KnownToken | undefined
  for (const token of all) if (token.hash.length === hash.length && timingSafeEqual(token.hash, hash)) found ??= token
  return found && isCurrent(found, now) ? found : undefined
}

export function isCurrent({ expiresAt }: KnownToken, now: number): boolean {
  return expiresAt === undefined || now < expiresAt
}

/** The token in an Authorization header; undefined where it has none of ours, but a proxy's `Basic`. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(.*)$/i.exec(header ?? '')?.[1]?.trim()
}
