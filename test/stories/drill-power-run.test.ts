import { describe, expect, test } from 'vitest'
import drillPower from '../../jobs/drill-power.ts'
import type { Event } from '../../src/core/event.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { remembered } from '../../src/operations/facts.ts'
import { worker } from '../core/cluster/nodes.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf } from '../core/power/states.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { battery, config, cp1, type Drill, drills, mains, outage, w1 } from '../operations/drilling.ts'

// How far a rehearsal goes, what it writes down, and that it is undone however it ends.

const at = Date.parse('2026-05-01T03:00:00.000Z')
const inMs = (ms: number) => new Date(at + ms)
const cordon = 'cordon: cordon cp-1, cordon w-1'
const drain = 'drain: drain cp-1, drain w-1'
const undo = 'uncordon: uncordon cp-1, uncordon w-1'
const saidIn = ({ journal }: Awaited<ReturnType<typeof drills>>) =>
  journal
    .entries(50)
    .flatMap(({ kind, job, text }) => (kind === 'power' && job === 'drill-power' ? [text] : []))
    .toReversed()
/** The run of a rehearsal that throws, and what it has left. */
async function ends(drill: Drill) {
  let left: Parameters<NonNullable<Drill['remembers']>>[0] | undefined
  const events: Event[] = []
  const told: string[] = []
  const ran = await drills({ ...drill, tells: { events, told }, remembers: (journal) => void (left = journal) }).catch(
    (error: unknown) => error,
  )
  return { ran, events, told, journal: left! }
}

describe('a rehearsal', () => {
  test('goes as far as everything can be undone, undoes it, and is on record', async () => {
    const seen: Record<string, unknown>[] = []
    const see = ({ outage: { stage, reason, nodes } }: { outage: ReturnType<typeof outage> }) =>
      void seen.push({
        stage,
        reason,
        ...Object.fromEntries(Object.entries(nodes).map(([name, { state }]) => [name, state])),
      })
    const ran = await drills({ during: { cordon: see, drain: see, uncordon: see } })
    expect(ran.told).toEqual([cordon, drain, undo])
    const before = { stage: 'draining', reason: 'drill', 'cp-1': 'up', 'w-1': 'up' }
    expect(seen).toEqual([before, before, { ...before, 'cp-1': 'drained', 'w-1': 'drained' }])
    expect(ran.outage).toMatchObject({
      stage: 'over',
      endedAt: inMs(0).toISOString(),
      startedAt: inMs(0).toISOString(),
    })
    expect(Object.keys(ran.outage!.nodes)).toEqual(['cp-1', 'w-1'])
    const summary = 'rehearsed cordon, drain and undid it; no faults'
    expect(ran.outcome).toEqual({ kind: 'done', summary })
    expect(saidIn(ran)).toEqual(['a rehearsal starts', `the rehearsal is over: ${summary}`])
    expect([ran.events, ran.lines]).toEqual([[], []])
  })

  test('answers the request with what was found and how long each part took, once', async () => {
    const ran = await drills({ during: { drain: ({ passes }) => passes(1_234) }, silent: ['w-1'] })
    const report = remembered.drill.recall(ran.journal)
    expect(report).toMatchObject({
      request: 'one',
      at: inMs(0).toISOString(),
      walked: [
        { phase: 'cordon', took: 0, failed: [] },
        { phase: 'drain', took: 1_234, failed: [] },
      ],
    })
    expect(report!.checks.filter(({ ok }) => !ok).map(({ subject }) => subject)).toEqual(['w-1'])
    expect(ran.outcome).toMatchObject({ summary: expect.stringMatching(/; 1 fault; see the report$/) as string })
    expect(remembered.drillRequest.recall(ran.journal)).toBeUndefined()
  })

  test('of a request of an earlier version has no id to answer', async () => {
    const ran = await drills({ request: {} })
    expect(Object.keys(remembered.drill.recall(ran.journal)!)).not.toContain('request')
  })

  test('goes no further than it is told', async () => {
    const ran = await drills({ request: { until: 'cordon' } })
    expect(ran.told).toEqual([cordon, undo])
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'rehearsed cordon and undid it; no faults' })
    expect(saidIn(ran)[0]).toBe('a rehearsal starts, up to "cordon"')
  })

  test('counts what fails beside what it found, and undoes what may have been done all the same', async () => {
    const ran = await drills({ fails: ['drain w-1'], silent: ['w-1'], during: {} })
    expect(ran.told).toEqual([cordon, drain, undo])
    expect(remembered.drill.recall(ran.journal)!.walked!.at(-1)!.failed).toEqual(['drain w-1: no answer'])
    expect(ran.outcome).toMatchObject({ summary: expect.stringMatching(/; 2 faults; see the report$/) as string })
  })

  test('waits for the first look: where a machine goes down already, none is drained', async () => {
    const ran = await drills({ nodes: [worker('cp-1', { talos: { stage: 'shutting down' } }), worker('w-1')] })
    expect(ran.told.filter((line) => line.startsWith('drain'))).toEqual([])
  })

  test('settles the alerts of the outage that it was', async () => {
    expect((await drills({ alerts: ['outage.lookup:workloads', 'storage.recovery'] })).lines).toEqual([
      'storage.recovery: storage.recovery',
    ])
  })

  test('that nobody wants any more is none', async () => {
    const ran = await drills({ remembers: (journal) => remembered.drillRequest.remember(journal, undefined) })
    expect(ran.outcome).toEqual({ kind: 'done', summary: 'no rehearsal: none is requested any more' })
    expect([ran.told, ran.outage]).toEqual([[], undefined])
  })
})

describe('a rehearsal is ended', () => {
  const cancel = ({ journal, reads }: Scene) => {
    remembered.drillCancelled.remember(journal, true)
    reads('rack', mains)
  }

  test('by a person, and what was done is undone', async () => {
    const ran = await drills({ during: { cordon: cancel } })
    expect(ran.told).toEqual([cordon, undo])
    const summary = 'rehearsed cordon and undid it when it was cancelled; no faults'
    expect(ran.outcome).toEqual({ kind: 'done', summary })
    expect(ran.outage!.stage).toBe('over')
  })

  test('before it begins, too, and one that was cancelled before counts for nothing', async () => {
    const ran = await drills({ checking: ({ journal }) => remembered.drillCancelled.remember(journal, true) })
    expect(ran.outcome).toEqual({
      kind: 'done',
      summary: 'rehearsed nothing and undid it when it was cancelled; no faults',
    })
    const next = await drills({ remembers: (own) => remembered.drillCancelled.remember(own, true) })
    expect(next.told).toEqual([cordon, drain, undo])
  })

  test.each([
    { name: 'the only UPS', power: { rack: mains } },
    { name: 'one of two UPSes', power: { rack: mains, shelf: mains } },
  ])('by power that fails: $name', async ({ power }) => {
    const ran = await drills({ power: powerOf(power), during: { cordon: ({ reads }) => reads('rack', battery) } })
    expect(ran.told).toEqual([cordon, undo])
    const reason = 'the rehearsal was stopped: the power is failing'
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(1_000) })
    // What was cut short by that is no fault of the homelab.
    expect(remembered.drill.recall(ran.journal)!.walked).toMatchObject([{ phase: 'cordon', failed: [] }])
    expect(ran.outage!.stage).toBe('over')
  })
})

type Scene = Parameters<NonNullable<NonNullable<Drill['during']>['cordon']>>[0]

describe('what is not undone stays on record for the job that wakes a cluster, which is told', () => {
  test('where a part of it fails', async () => {
    const ran = await drills({ fails: ['uncordon w-1'], alerts: ['outage.lookup:workloads'] })
    const reason = 'rehearsed cordon, drain; not everything is undone yet, trying again'
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(60_000) })
    expect(ran.events).toEqual([{ type: 'drill.ended' }])
    expect([ran.outage!.stage, ran.lines.length]).toEqual(['draining', 1])
  })

  test.each<{ name: string; drill: Drill; is: string }>([
    {
      name: 'a shutdown takes the cluster over',
      drill: { during: { drain: ({ stop }) => stop() } },
      is: 'the agent stops',
    },
    {
      name: 'it is taken over when the power fails',
      drill: {
        during: {
          drain: ({ reads, stop }) => {
            reads('rack', battery)
            stop()
          },
        },
      },
      is: 'the agent stops',
    },
    { name: 'a bug ends it', drill: { throws: { drain: new TypeError('a bug') } }, is: 'a bug' },
    { name: 'a bug ends the undoing', drill: { throws: { uncordon: new TypeError('a bug') } }, is: 'a bug' },
  ])('where $name', async ({ drill, is }) => {
    const { ran, events, journal } = await ends(drill)
    expect(ran).toMatchObject({ message: is })
    expect(events).toEqual([{ type: 'drill.ended' }])
    expect(journal.openOutage()).toMatchObject({ stage: 'draining', reason: 'drill' })
  })

  test.each<{ name: string; drain: (scene: Scene) => void }>([
    { name: 'in the middle of a phase', drain: ({ stop }) => stop() },
    {
      name: 'as the power fails, which ends a phase by itself',
      drain: ({ reads, stop }) => {
        reads('rack', battery)
        stop()
      },
    },
  ])('and a shutdown that takes the cluster over $name is not undone under its hands', async ({ drain: happens }) => {
    const { told, journal } = await ends({ during: { drain: happens } })
    expect(told).toEqual([cordon, drain])
    expect(remembered.drill.recall(journal)).toBeUndefined()
  })

  test('and where the cluster is taken over before anything was done, nothing is', async () => {
    const { ran, events, journal } = await ends({ checking: ({ stop }) => stop() })
    expect(ran).toMatchObject({ message: 'the agent stops' })
    expect([events, journal.openOutage()]).toEqual([[], undefined])
  })
})

describe('before the cluster is taken, a rehearsal', () => {
  const open = outage({ 'w-1': 'up' })
  test.each([
    { name: 'that nobody wants', request: false, is: 'no rehearsal: none is requested any more' },
    { name: 'is refused while the power fails', power: battery, is: 'no rehearsal: the UPS is on battery' },
    { name: 'is refused while an outage is open', open, is: 'no rehearsal: an outage is still open' },
    { name: 'goes on where nothing is in its way', is: undefined },
  ])('$name', async ({ request = true, power = mains, open, is }) => {
    const journal = memoryJournal()
    if (request) remembered.drillRequest.remember(journal, { id: 'one' })
    if (open) journal.saveOutage(open)
    const outcome = await drillPower.idle!({
      config,
      ports: { journal },
      power: powerOf({ rack: power }),
      monotonic: () => 100_000,
    } as unknown as JobContext)
    expect(outcome).toEqual(is === undefined ? undefined : { kind: 'done', summary: is })
    // A refusal is not made good later, when nobody looks.
    expect(remembered.drillRequest.recall(journal)).toEqual(is === undefined ? { id: 'one' } : undefined)
  })
})

test('workloads and storage are put back as well', async () => {
  const batch = { kind: 'Deployment', namespace: 'apps', name: 'batch', replicas: 3 } as const
  const noout = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const
  const own = { ...config, power: { ...config.power, shed: [{ selector: 'a' }], storageFlags: true } }
  const kubernetes = { forbidden: async () => [], scalable: async () => [batch], storageSettings: async () => [noout] }
  const ran = await drills({
    config: own,
    kubernetes: kubernetes as never,
    machines: [cp1, w1, machineOf('w-3', 'workers')],
  })
  expect(ran.told.slice(-3)).toEqual([
    expect.stringMatching(/^uncordon: /),
    'scale-up: scale apps/batch to 3',
    'restore-storage-flags: set ceph noout to unset',
  ])
})
