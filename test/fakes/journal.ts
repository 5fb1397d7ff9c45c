import type { Entry, Journal, Run } from '../../src/core/journal.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'

/** A journal in memory. */
export function memoryJournal(now: () => Date = () => new Date()): Journal {
  const entries: Entry[] = []
  const runs: Run[] = []
  const releases = new Map<string, number>()
  const facts = new Map<string, string>()
  const outages = new Map<string, Outage>()
  const rollouts = new Map<string, Rollout>()
  const rolloutsNewestFirst = () => [...rollouts.values()].sort((a, b) => (a.id < b.id ? 1 : -1))

  return {
    degraded: undefined,
    write: ({ kind, subject, text }) =>
      void entries.push({ id: entries.length + 1, at: now().toISOString(), kind, subject, text }),
    entries: (limit) => entries.toReversed().slice(0, limit),
    beginRun: (job) => {
      const id = runs.length + 1
      runs.push({ id, job, startedAt: now().toISOString(), endedAt: undefined, outcome: undefined, detail: undefined })
      return id
    },
    endRun: (id, outcome, detail) => {
      runs[id - 1] = { ...runs[id - 1]!, endedAt: now().toISOString(), outcome, detail }
    },
    runs: (limit) => runs.toReversed().slice(0, limit),
    firstSeen: (versions, at) => {
      for (const version of versions) if (!releases.has(version)) releases.set(version, at)
      return new Map(releases)
    },
    remember: (key, value) => {
      if (value === undefined) facts.delete(key)
      else facts.set(key, JSON.stringify(value))
    },
    recall: <T>(key: string) => {
      const text = facts.get(key)
      return text === undefined ? undefined : (JSON.parse(text) as T)
    },
    openOutage: () => [...outages.values()].find(({ stage }) => stage !== 'over'),
    saveOutage: (outage) => void outages.set(outage.startedAt, outage),
    outages: (limit) => [...outages.values()].toReversed().slice(0, limit),
    openRollout: () => rolloutsNewestFirst().find(({ endedAt }) => endedAt === undefined),
    saveRollout: (rollout) => void rollouts.set(rollout.id, rollout),
    rollouts: (limit) => rolloutsNewestFirst().slice(0, limit),
  }
}
