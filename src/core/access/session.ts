import type { RecordKind } from '../records.ts'
import { object, text, time } from '../shape.ts'

/** In ms: how long a browser is signed in after its last use. */
export const sessionLasts = 12 * 3_600_000

/** In ms: how long it is known that a session was signed out. */
export const signOutKept = 2 * sessionLasts

/** A session that was signed out: what its cookie says still looks good, and must not count any more. */
export interface EndedSession {
  readonly id: string
  /** ISO 8601. */
  readonly at: string
}

/** Kept for as long as a copy of the cookie could be good. */
export const endedSessionKind: RecordKind<EndedSession> = {
  name: 'session.ended',
  parse: object<EndedSession>({ id: text, at: time }),
  keyOf: ({ id }) => id,
  isOpen: () => false,
  retention: { most: 10_000, age: signOutKept },
}
