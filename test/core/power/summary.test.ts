import { expect, test } from 'vitest'
import { beginOutage, type Outage, type OutageNode } from '../../../src/core/power/outage.ts'
import { summarize } from '../../../src/core/power/summary.ts'

const began = new Date('2026-03-01T02:00:00Z')
const minute = (minutes: number) => new Date(began.getTime() + minutes * 60_000).toISOString()

/** Each machine's times in minutes: told, off, woken, back. */
function over(times: Record<string, readonly (number | undefined)[]>, more: Partial<Outage> = {}): Outage {
  const states = ['shutdown-sent', 'off', 'wake-sent', 'back'] as const
  const nodes = Object.entries(times).map(([name, each]): [string, OutageNode] => {
    const at = Object.fromEntries(
      each.flatMap((one, index) => (one === undefined ? [] : [[states[index]!, minute(one)]])),
    )
    return [name, { wasUp: true, state: 'back', at }]
  })
  return {
    ...beginOutage(began, 'low-battery'),
    stage: 'over',
    nodes: Object.fromEntries(nodes),
    endedAt: minute(14),
    ...more,
  }
}

test.each<{ name: string; outage: Outage; text: string }>([
  {
    name: 'each part of it, and who was slowest at what',
    outage: over(
      { 'cp-1': [2, 3, 12, 13.5], 'w-1': [1, 1.5, 12, 13], 'w-2': [1, 2.25, 12, 12.5] },
      { stoppedAt: minute(3), wokenAt: minute(12) },
    ),
    text:
      'the cluster is back, 14 min after the power cut began: down in 3 min, down for 9 min, up again in 2 min; ' +
      'slowest to stop w-2 (75 s), to come back cp-1 (90 s)',
  },
  {
    name: 'no part that was never reached',
    outage: over({ 'w-1': [1, 1.5, 12, 13], 'w-2': [] }, { wokenAt: minute(12) }),
    text:
      'the cluster is back, 14 min after the power cut began: up again in 2 min; ' +
      'slowest to stop w-1 (30 s), to come back w-1 (60 s)',
  },
  {
    name: 'nobody who never stopped or came back',
    outage: over({ 'w-1': [1] }, { stoppedAt: minute(3), wokenAt: minute(12) }),
    text: 'the cluster is back, 14 min after the power cut began: down in 3 min, down for 9 min, up again in 2 min',
  },
  {
    name: 'the whole alone where nothing else is on record',
    outage: over({ 'w-1': [1] }),
    text: 'the cluster is back, 14 min after the power cut began',
  },
  {
    name: 'that nothing went down',
    outage: over({ 'w-1': [], 'w-2': [] }),
    text: 'nothing went down: mains power came back in time, or the shutdown was cancelled',
  },
  {
    name: 'that nothing went down where all could be taken back',
    outage: over({ 'w-1': [1] }, { stage: 'draining' }),
    text: 'nothing went down: mains power came back in time, or the shutdown was cancelled',
  },
  {
    name: 'that it was a rehearsal, where it was one',
    outage: over({ 'w-1': [] }, { reason: 'drill' }),
    text: 'a rehearsal, and everything was undone',
  },
  {
    name: 'that mains is back where the battery was only spared',
    outage: over({}, { reason: 'on-battery' }),
    text: 'mains power is back; shed workloads are back after 14 min',
  },
  {
    name: 'no time that is not known',
    outage: beginOutage(began, 'on-battery'),
    text: 'mains power is back; shed workloads are back after 0 s',
  },
])('an outage that is over is told of with $name', ({ outage, text }) => {
  expect(summarize(outage)).toBe(text)
})
