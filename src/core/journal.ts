import type { EntryKind } from './entry-kind.ts'
import { createListeners } from './listeners.ts'
import type { Outage } from './power/outage.ts'
import { outageKind } from './power/outage-kind.ts'
import { lastNumber, numberedKey, type RecordKind, recordNumber, type Records, type RecordStore } from './records.ts'
import { firstSeenKind } from './release/first-seen.ts'
import { object, oneOf, optional, text, time } from './shape.ts'
import type { Rollout } from './upgrade/record.ts'
import { rolloutKind } from './upgrade/rollout-kind.ts'

/**
 * What the agent must not forget, in its own words: durable when a call returns (where the disk allows it), readable by
 * the CLI without the daemon. Calls do not wait and do not throw: where the disk fails, memory takes over and `degraded`
 * says so, because a power cut doesn't wait for a disk. A new kind of record needs no word here: see `records`.
 */
export interface Journal extends RecordStore {
  /** A sentence for the operator. */
  write(entry: { kind: EntryKind; subject?: string; job?: string; text: string }): void
  /** Called with each entry that is written, until it is disposed of. */
  onEntry(listener: (entry: Entry) => void): Disposable
  /** Newest first; only those before the one with this key, where it is given. So for all lists here. */
  entries(limit: number, before?: string): readonly Entry[]
  beginRun(job: string): number
  /** Ends a run. One with the same outcome as the previous run of its job replaces it, and writes nothing to the disk. */
  endRun(id: number, outcome: RunOutcome, detail: string): void
  /** Newest first. */
  runs(limit: number, before?: string): readonly Run[]
  /** Notes releases that are new to us; returns when each known one was first seen, in ms since the epoch. */
  firstSeen(versions: readonly string[], now: number): ReadonlyMap<string, number>
  /** The open outage, if any. */
  openOutage(): Outage | undefined
  /** Starts or updates it; on the disk when this returns. */
  saveOutage(outage: Outage): void
  outages(limit: number, before?: string): readonly Outage[]
  /** The newest open rollout, if any. */
  openRollout(): Rollout | undefined
  /** Starts or updates it, by its id; on the disk when this returns. */
  saveRollout(rollout: Rollout): void
  /** Newest first. */
  rollouts(limit: number, before?: string): readonly Rollout[]
}

export interface Entry {
  readonly id: number
  /** ISO 8601. */
  readonly at: string
  readonly kind: EntryKind
  readonly subject: string | undefined
  /** The job that did it; absent where none did, and in records of 0.1.0. */
  readonly job?: string
  readonly text: string
}

export type RunOutcome = 'done' | 'stuck' | 'later' | 'failed' | 'stopped'

export interface Run {
  readonly id: number
  readonly job: string
  readonly startedAt: string
  /** Undefined while it runs, and for ever if the agent was killed during it. */
  readonly endedAt: string | undefined
  readonly outcome: RunOutcome | undefined
  readonly detail: string | undefined
}

const day = 86_400_000

export const entryKind: RecordKind<Entry> = {
  name: 'entry',
  parse: object<Entry>({
    id: recordNumber,
    at: time,
    kind: oneOf<EntryKind>({ event: true, step: true, run: true, power: true, alert: true }),
    subject: optional(text),
    job: optional(text),
    text,
  }),
  keyOf: ({ id }) => numberedKey(id),
  isOpen: () => false,
  retention: { most: 20_000, age: 400 * day, isExpendable: true },
}

export const runKind: RecordKind<Run> = {
  name: 'run',
  parse: object<Run>({
    id: recordNumber,
    job: text,
    startedAt: time,
    endedAt: optional(time),
    outcome: optional(oneOf<RunOutcome>({ done: true, stuck: true, later: true, failed: true, stopped: true })),
    detail: optional(text),
  }),
  keyOf: ({ id }) => numberedKey(id),
  isOpen: () => false,
  retention: { most: 5_000, age: 400 * day, isExpendable: true },
}

/** So many releases are remembered at least, before those that are no longer offered are forgotten. */
const mostReleases = 5_000

/** The journal over a store of records. */
export function createJournal(store: RecordStore, now: () => Date): Journal {
  const entries = store.records(entryKind)
  const runs = store.records(runKind)
  const releases = store.records(firstSeenKind)
  const outages = store.records(outageKind)
  const rollouts = store.records(rolloutKind)
  const nextEntry = countFrom(entries)
  const nextRun = countFrom(runs)
  const written = createListeners<Entry>()
  /** The newest run of each job that has ended. */
  const last = new Map<string, Run>()

  return {
    records: (kind) => store.records(kind),
    get degraded() {
      return store.degraded
    },
    write: ({ kind, subject, job, text: sentence }) => {
      const by = job === undefined ? {} : { job }
      const entry = { id: nextEntry(), at: now().toISOString(), kind, subject, ...by, text: sentence }
      entries.save(entry)
      written.tell(entry)
    },
    onEntry: written.subscribe,
    entries: (limit, before) => entries.newest(limit, before),
    beginRun: (job) => {
      const id = nextRun()
      const startedAt = now().toISOString()
      // With the first thing that the run writes; one that writes nothing leaves nothing to be taken up.
      runs.save({ id, job, startedAt, endedAt: undefined, outcome: undefined, detail: undefined }, 'later')
      return id
    },
    endRun: (id, outcome, detail) => {
      const begun = runs.get(numberedKey(id))
      if (!begun) return
      const before = last.get(begun.job)
      const ended = { ...begun, endedAt: now().toISOString(), outcome, detail }
      last.set(begun.job, ended)
      const isRepeated = before?.outcome === outcome && before.detail === detail
      if (isRepeated) runs.remove(numberedKey(before.id), 'later')
      runs.save(ended, isRepeated ? 'later' : 'now')
    },
    runs: (limit, before) => runs.newest(limit, before),
    firstSeen: (versions, at) => {
      const seen = new Map(releases.open().map(({ version, firstSeen }) => [version, firstSeen]))
      const unseen = new Set(versions.filter((one) => !seen.has(one)))
      // A Factory that lists others every time must not fill the disk; one that comes back soaks anew.
      if (seen.size + unseen.size > mostReleases) {
        const offered = new Set(versions)
        for (const version of [...seen.keys()].filter((one) => !offered.has(one))) {
          seen.delete(version)
          releases.remove(version, 'later')
        }
      }
      // In one transaction: each waits for the disk.
      let left = unseen.size
      for (const version of unseen) {
        seen.set(version, at)
        releases.save({ version, firstSeen: at }, --left > 0 ? 'later' : 'now')
      }
      return seen
    },
    openOutage: () => outages.open()[0],
    saveOutage: (outage) => outages.save(outage),
    outages: (limit, before) => outages.newest(limit, before),
    openRollout: () => rollouts.open()[0],
    saveRollout: (rollout) => rollouts.save(rollout),
    rollouts: (limit, before) => rollouts.newest(limit, before),
  }
}

/** Numbers that continue from the greatest one on record. */
function countFrom(records: Records<{ readonly id: number }>): () => number {
  let id = lastNumber(records)
  return () => ++id
}
