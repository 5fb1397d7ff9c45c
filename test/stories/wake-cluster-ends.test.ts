import { describe, expect, test } from 'vitest'
import wakeCluster from '../../jobs/wake-cluster.ts'
import { remembered } from '../../src/operations/facts.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { at, nas, outage } from '../operations/begun.ts'
import { runs } from '../operations/running.ts'
import { cp1, down, drained, w1, w2, wakes } from '../operations/ups.ts'
import { battery, config, mains, minute } from '../operations/wakes.ts'

// What ends a waking, what must not, and what is said of it.

type Scene = Parameters<NonNullable<NonNullable<Parameters<typeof wakes>[0]>['during']>['uncordon'] & {}>[0]

const three = [cp1, w1, w2]
const allDown = outage({ 'cp-1': 'off', 'w-1': 'off', 'w-2': 'off' }, { stage: 'stopped' })
const inMs = (ms: number) => new Date(Date.parse(at) + ms)
const others = { kind: 'later', reason: 'other machines still have no power', at: inMs(5_000) }
const rackOnly = () => powerOf({ rack: mains(minute), shelf: battery() })

describe('an error of our own', () => {
  const broken = () => {
    throw new Error('the disk is full')
  }
  test('is thrown, and is no power that failed', async () => {
    await expect(wakes({ during: { 'wake-machines': broken } })).rejects.toThrow('the disk is full')
  })

  test('that comes while the agent ends is thrown, whatever the power does', async () => {
    const during = {
      'wake-machines': ({ reads, stop }: Scene) => {
        stop()
        reads('rack', battery())
      },
    }
    await expect(wakes({ during })).rejects.toThrow('the agent stops')
  })
})

describe('the waking of machines on two UPSes', () => {
  test.each(['rack', 'shelf'])('ends where the mains of one fails again: %s', async (ups) => {
    const ran = await wakes({
      machines: three,
      open: allDown,
      power: powerOf({ rack: mains(minute), shelf: mains(minute) }),
      during: { 'wake-machines': ({ reads }) => reads(ups, battery()) },
    })
    expect(ran.phases).toEqual(['wake-machines, cut short'])
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'mains power failed again', at: inMs(5_000) })
  })
})

test('a shutdown that was called off on battery is undone there, though some machines are down', async () => {
  const open = outage({ 'cp-1': 'drained', 'w-1': 'off' }, { stage: 'stopping' })
  const ran = await wakes({ open, power: powerOf({ rack: battery({ calledOff: 'low-charge' }) }) })
  expect(ran.told).toEqual(['uncordon: uncordon cp-1'])
  expect(ran.outcome).toEqual(others)
})

test('a host that was woken is back', async () => {
  const open = outage({ nas: 'off' }, { stage: 'stopped' })
  const seen: unknown[] = []
  const ran = await wakes({
    machines: [nas],
    open,
    during: { 'wake-nas': ({ outage: { nodes } }) => seen.push(nodes['nas']!.state) },
  })
  expect(ran.told[0]).toBe('wake-nas: wake nas')
  expect([seen, ran.states, ran.outage!.stage]).toEqual([['wake-sent'], { nas: 'back' }, 'over'])
})

test('machines are woken as often, and for as long, as the policy says', async () => {
  const { retryInterval, giveUpAfter: within } = config.power.wake
  const steps: unknown[] = []
  await wakes({ during: { 'wake-machines': ({ phase }) => steps.push(...phase.steps) } })
  expect(steps).toMatchObject([
    { node: 'cp-1', retryInterval, within },
    { node: 'w-1', retryInterval, within },
  ])
})

test('the alert on the power cut says that machines are being woken', async () => {
  const texts: unknown[] = []
  const during = { 'wake-machines': ({ alerts }: Scene) => texts.push(alerts.find('power.failed')?.text) }
  await wakes({ during })
  expect(texts).toEqual(['mains power is back: the machines are being woken'])
})

describe('the end', () => {
  test('settles what was said of the power cut, and lets no later one be woken blindly', async () => {
    const ran = await wakes({
      wakeNow: true,
      during: {
        'wake-machines': ({ alerts }) =>
          alerts.open('outage.recovery', { severity: 'warning', subject: 'cluster', text: 'w-1 did not come back' }),
      },
    })
    expect(ran.lines).toEqual([])
    expect(remembered.wakeNow.recall(ran.journal)).toBeUndefined()
  })

  test('is not while the power of a machine fails that is not on record yet', async () => {
    const power = powerOf({ rack: mains(0), shelf: stateOf('low-battery') })
    const ran = await wakes({ machines: three, open: drained(), power })
    expect(ran.states).toEqual({ 'cp-1': 'back', 'w-1': 'back' })
    expect([ran.outcome, ran.outage!.stage]).toEqual([others, 'draining'])
  })

  test('was meanwhile: without a record nothing is woken, and on battery nothing is looked for', async () => {
    const ran = await runs(wakeCluster, { machines: [cp1, w1], power: powerOf({ rack: battery() }), config })
    expect([ran.outcome, ran.told, ran.outage]).toEqual([
      { kind: 'done', summary: 'mains power is not back' },
      [],
      undefined,
    ])
  })
})

describe('where others have no power yet', () => {
  test('they are no machines that did not come back', async () => {
    const ran = await wakes({ machines: three, open: allDown, power: rackOnly() })
    expect(ran.outcome).toEqual(others)
  })

  test('a machine that did not come back is named alone', async () => {
    const ran = await wakes({ machines: three, open: allDown, power: rackOnly(), fails: ['wake w-1'] })
    const reason = 'w-1 did not come back: press its power button'
    expect(ran.outcome).toEqual({ kind: 'later', reason, at: inMs(minute) })
  })

  test('what could not be undone is told before them', async () => {
    const power = powerOf({ rack: mains(0), shelf: stateOf('low-battery') })
    const open = outage({ 'cp-1': 'drained', 'w-1': 'drained', 'w-2': 'up' })
    const ran = await wakes({ machines: three, open, power, fails: ['uncordon w-1'] })
    expect(ran.outcome).toEqual({ kind: 'later', reason: 'not everything is undone yet', at: inMs(minute) })
    expect(ran.lines.filter((line) => line.startsWith('outage.'))).toEqual([])
  })
})

test('what is done about an outage whose journal was lost is undone with it', async () => {
  const batch = { kind: 'Deployment', namespace: 'apps', name: 'batch', replicas: 3 } as const
  const open = outage({ 'cp-1': 'off', 'w-1': { wasUp: false, state: 'off' } }, { stage: 'stopped', scaled: [batch] })
  expect((await wakes({ open, isLost: true })).told).toContain('scale-up: scale apps/batch to 3')
})

test('a machine that a person must look at is a warning', async () => {
  const { alerts } = await wakes({ open: down(), fails: ['wake w-1'] })
  expect(alerts.find('outage.recovery')).toMatchObject({ severity: 'warning', subject: 'cluster' })
})
