import { describe, expect, test } from 'vitest'
import { parseDuration } from '../../src/core/duration.ts'
import type { Event } from '../../src/core/event.ts'
import { jobNamed, jobs, startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { two } from '../fakes/stories.ts'

// What starts which job. An event that is lost does no harm, as long as there are schedules; one that starts nothing delays all.

const ups = 'ups'
const version = 'v1.13.9'
test.each<{ event: Event; starts: readonly string[] }>([
  { event: { type: 'agent.started' }, starts: ['stage-image', 'upgrade-node', 'watch-releases'] },
  { event: { type: 'release.published', version }, starts: ['stage-image'] },
  { event: { type: 'schematic.changed', schematic: 'homelab' }, starts: ['stage-image'] },
  { event: { type: 'share.changed', file: 'metal-amd64-uki.efi' }, starts: ['stage-image'] },
  { event: { type: 'share.returned' }, starts: ['stage-image'] },
  { event: { type: 'rollout.finished', version }, starts: ['stage-image'] },
  { event: { type: 'image.staged', version, schematic: 'a' }, starts: ['upgrade-node'] },
  { event: { type: 'node.returned', node: 'w-1' }, starts: ['upgrade-node', 'watch-releases'] },
  { event: { type: 'power.on-mains', ups }, starts: ['shed-load', 'upgrade-node', 'wake-cluster'] },
  { event: { type: 'power.on-battery', ups }, starts: ['shed-load', 'wake-cluster'] },
  { event: { type: 'cluster.woken', summary: '' }, starts: ['stage-image', 'upgrade-node', 'watch-releases'] },
])('$event.type starts $starts', async ({ event, starts }) => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.agent.emit(event)
  await it.agent.idle()
  const inProcess = homelab.ports.journal.runs(20).map(({ job }) => job)
  const about = ['shed-load', 'stage-image', 'upgrade-node', 'wake-cluster', 'watch-releases']
  const started = [...it.waiting.map(({ name }) => name), ...inProcess].filter((name) => about.includes(name))
  expect([...new Set(started)].toSorted()).toEqual(starts)
})

describe('a job that waits in the queue', () => {
  test.each(jobs.filter(({ runs }) => runs === 'queue'))('$name is started by time as well', ({ triggers }) => {
    const times = triggers.flatMap((trigger) => ('on' in trigger ? [] : [trigger]))
    expect(times).not.toEqual([])
    expect(times.filter((time) => 'every' in time && !((parseDuration(time.every) ?? 0) > 0))).toEqual([])
  })

  test.each([
    { name: 'upgrade-node', within: '10m' },
    { name: 'stage-image', within: '30m' },
  ])('$name makes good what it has missed within $within', ({ name, within }) => {
    expect(jobNamed(name).triggers).toContainEqual({ every: within })
  })
})

test.each([
  { name: 'upgrade-node', purpose: 'upgrade', runs: 'queue' },
  { name: 'stage-image', purpose: undefined, runs: 'queue' },
  { name: 'shed-load', purpose: undefined, runs: 'in-process' },
  { name: 'drill-power', purpose: 'rehearsal', runs: 'in-process' },
  { name: 'wake-cluster', purpose: 'recovery', runs: 'in-process' },
  { name: 'shut-down-cluster', purpose: 'shutdown', runs: 'in-process' },
])('$name runs $runs, and holds the cluster for: $purpose', ({ name, purpose, runs }) => {
  const job = jobNamed(name)
  expect([job.purpose, job.runs]).toEqual([purpose, runs])
})
