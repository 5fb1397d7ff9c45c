import type { RecordKind } from '../records.ts'
import { object, oneOf, optional, text, time } from '../shape.ts'

/** What a token may do: `read` asks, `operate` also requests, `admin` also creates and revokes tokens. Each includes the former. */
export type Scope = 'read' | 'operate' | 'admin'

export const scopes: readonly Scope[] = ['read', 'operate', 'admin']

/** Whether what is held is enough for what is needed. */
export function isEnough(held: Scope, needed: Scope): boolean {
  return scopes.indexOf(held) >= scopes.indexOf(needed)
}

/** A token of the API, less the token itself: only its hash is kept. */
export interface Token {
  readonly name: string
  readonly scope: Scope
  /** SHA-256 of the token, in hexadecimal. A token has 256 random bits: nothing slower is needed. */
  readonly hash: string
  /** ISO 8601. */
  readonly createdAt: string
  /** ISO 8601; absent: until it is revoked. */
  readonly expiresAt?: string
}

/** Tokens by name. They are open for ever: none is given up for want of room. */
export const tokenKind: RecordKind<Token> = {
  name: 'token',
  parse: object<Token>({
    name: text,
    scope: oneOf<Scope>({ read: true, operate: true, admin: true }),
    hash: text,
    createdAt: time,
    expiresAt: optional(time),
  }),
  keyOf: ({ name }) => name,
  isOpen: () => true,
  retention: { most: 1_000 },
}
