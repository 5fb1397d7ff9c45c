import type { Carrier, RefusalReason } from '../../core/netboot/boot-event.ts'

/** `limit`: beyond what may be asked for; it is not even looked at. */
export type UnservedReason = RefusalReason | 'limit'

/** How many requests of a kind got no file. */
export interface Unserved {
  readonly by: Carrier
  readonly reason: UnservedReason
  readonly count: number
}

/** Counts what is not worth an event each. */
export interface Tally {
  add(by: Carrier, reason: UnservedReason): void
  /** What was counted since it was taken last. */
  take(): readonly Unserved[]
}

export function createTally(): Tally {
  const counts = new Map<string, Unserved>()
  return {
    add: (by, reason) => {
      const key = `${by} ${reason}`
      counts.set(key, { by, reason, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    take: () => {
      const all = [...counts.values()]
      counts.clear()
      return all
    },
  }
}
