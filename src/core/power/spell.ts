/**
 * How long something has been so, counted over the moments in which it was not: a UPS that flaps between mains and
 * battery empties its battery all the same. Times in ms of a monotonic clock.
 */
export interface Spell {
  /** When it was so first. */
  readonly since: number
  /** For how long it was so until `at`, without the moments between. */
  readonly lasted: number
  /** When it was looked at last, and whether it was so then. */
  readonly at: number
  readonly isSo: boolean
  /** Since when it has not been so; absent while it is. */
  readonly endedAt?: number
}

/** What is seen now, and from when on an end counts, in ms. */
export interface Look {
  readonly at: number
  readonly isSo: boolean
  readonly clearsAfter: number
  /** Whether only the time between two looks at which it was so counts: a single false figure adds nothing. */
  readonly isStrict?: boolean
}

/** Undefined where it has not been so for `clearsAfter`, or never was. */
export function nextSpell(spell: Spell | undefined, { at, isSo, clearsAfter, isStrict }: Look): Spell | undefined {
  if (!spell) return isSo ? { since: at, lasted: 0, at, isSo } : undefined
  const counts = spell.isSo && (isSo || !isStrict)
  const lasted = spell.lasted + (counts ? at - spell.at : 0)
  if (isSo) return { since: spell.since, lasted, at, isSo }
  const endedAt = spell.endedAt ?? at
  return at - endedAt >= clearsAfter ? undefined : { since: spell.since, lasted, at, isSo, endedAt }
}

/** For how long it has been so at `at`, as if it had gone on since the last look, in ms. */
export function lengthAt({ lasted, at: seen, isSo }: Spell, at: number): number {
  return lasted + (isSo ? Math.max(0, at - seen) : 0)
}
