import { describe, expect, test } from 'vitest'
import shedLoad from '../../jobs/shed-load.ts'
import type { ScaledWorkload } from '../../src/core/cluster/workload.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import { AgentError } from '../../src/core/errors.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { clock, outage } from '../operations/begun.ts'
import { type Course, runs } from '../operations/running.ts'
import { battery, cp1, mains, minute, second, w1, w2 } from '../operations/wakes.ts'

// When workloads are scaled down to spare the battery, what is on record by then, and what ends it.

const at = Date.parse('2026-05-01T03:00:00.000Z')
const inMs = (ms: number) => new Date(at + ms)
const [films, mail]: readonly [ScaledWorkload, ScaledWorkload] = [
  { kind: 'Deployment', namespace: 'media', name: 'films', replicas: 3 },
  { kind: 'StatefulSet', namespace: 'post', name: 'mail', replicas: 1 },
]
const selection = { selector: 'tier=batch' }
/** In use for so long, in ms. */
const lasting = (ms: number, changed: object = {}) =>
  ({ ...stateOf('on-battery', {}, clock - ms, clock), ...changed }) as PowerState

interface Shed extends Omit<Partial<Course>, 'shed'> {
  readonly shed?: readonly object[]
  /** What the API server answers. */
  readonly found?: readonly ScaledWorkload[]
  /** What happens while it is asked. */
  readonly looking?: (scene: Parameters<Extract<Course['kubernetes'], (...given: never) => unknown>>[0]) => void
}

/** By default a minute on battery, with two workloads to spare, which go after a minute. */
function sheds({ shed = [selection], found = [films, mail], looking, power, ...more }: Shed = {}) {
  return runs(shedLoad, {
    machines: [cp1, w1],
    power: power ?? powerOf({ rack: lasting(minute) }),
    config: { power: { shed, shedAfter: minute } },
    kubernetes: (scene) => ({
      scalable: async () => {
        looking?.(scene)
        return found
      },
    }),
    ...more,
  })
}

const uncertain = { kind: 'later', reason: 'no UPS is on battery for certain', at: inMs(5 * second) }
const nothing = (summary: string) => ({ kind: 'done', summary })

describe('workloads are scaled down', () => {
  test('after so long on battery, all at once, and how they were is on record by then', async () => {
    const seen: unknown[] = []
    const ran = await sheds({ during: { 'scale-down': ({ outage }) => seen.push(outage) } })
    expect(ran.told).toEqual(['scale-down: scale media/films to 0, scale post/mail to 0'])
    const record = { startedAt: inMs(0).toISOString(), reason: 'on-battery', stage: 'shedding', nodes: {} }
    expect(seen).toEqual([{ ...record, scaled: [films, mail] }])
    expect(ran.outcome).toEqual(nothing('scaled 2 of 2 workloads to zero to save the battery'))
  })

  test('as far as they can be, and the run tells how many were', async () => {
    const ran = await sheds({ fails: ['scale post/mail to 0'] })
    expect(ran.outcome).toEqual(nothing('scaled 1 of 2 workloads to zero to save the battery'))
    expect(ran.outage).toMatchObject({ stage: 'shedding', scaled: [films, mail] })
  })

  test.each([
    { name: 'where one machine of several runs on battery', power: powerOf({ rack: mains(minute), shelf: battery() }) },
    {
      name: 'where another UPS has been on battery for less',
      power: powerOf({ rack: lasting(minute), shelf: lasting(second) }),
    },
  ])('$name', async ({ power }) => {
    expect((await sheds({ machines: [cp1, w1, w2], power })).phases).toEqual(['scale-down'])
  })
})

describe('nothing is scaled down', () => {
  test.each<{ name: string; course: Shed; is: object }>([
    { name: 'where nothing may be', course: { shed: [] }, is: nothing('power.shed is empty') },
    {
      name: 'on mains power',
      course: { power: powerOf({ rack: mains(minute) }) },
      is: nothing('nothing runs on battery'),
    },
    {
      name: 'where no machine is at a UPS',
      course: { machines: [machineOf('w-1', 'workers')] },
      is: nothing('nothing runs on battery'),
    },
    {
      name: 'in a moment of battery that may be a blip',
      course: { power: powerOf({ rack: stateOf('blip', {}, clock - minute, clock) }) },
      is: uncertain,
    },
    {
      name: 'while mains power seems to be back, which is looked at again: its next failure is no new event',
      course: { power: powerOf({ rack: lasting(minute, { mainsSince: clock }) }) },
      is: uncertain,
    },
    {
      name: 'before its time',
      course: { power: powerOf({ rack: lasting(minute - 1) }) },
      is: { kind: 'later', reason: 'on battery; workloads are scaled down after 60 s', at: inMs(1) },
    },
    {
      name: 'before the time of the UPS that has been on battery the longest',
      course: { machines: [cp1, w2], power: powerOf({ rack: lasting(20 * second), shelf: lasting(50 * second) }) },
      is: { kind: 'later', reason: expect.any(String) as string, at: inMs(10 * second) },
    },
    {
      name: 'twice',
      course: { open: outage({}, { stage: 'shedding', scaled: [films] }) },
      is: nothing('the workloads are already scaled down'),
    },
    {
      name: 'before an earlier outage is over',
      course: { open: outage({ 'w-1': 'off' }, { stage: 'waking' }) },
      is: { kind: 'later', reason: 'an earlier outage is still open', at: inMs(5 * second) },
    },
    {
      name: 'where nothing of it runs',
      course: { found: [] },
      is: nothing('power.shed selects nothing that runs'),
    },
    {
      name: 'where mains power is back by the time that the API server has answered',
      course: { looking: ({ reads }) => reads('rack', mains(0)) },
      is: nothing('the power state has changed'),
    },
    {
      name: 'where a shutdown has begun by then, which scales them down itself',
      course: { looking: ({ journal }) => journal.saveOutage(outage({ 'w-1': 'up' })) },
      is: nothing('the power state has changed'),
    },
  ])('$name', async ({ course, is }) => {
    const ran = await sheds(course)
    expect(ran.outcome).toEqual(is)
    expect(ran.phases).toEqual([])
    expect(ran.outage?.scaled).toEqual(course.open?.scaled)
  })

  test('where the API server does not answer: the run fails, and is tried again', async () => {
    const kubernetes = () => ({
      scalable: async () => {
        throw new AgentError('unreachable', 'no answer')
      },
    })
    await expect(sheds({ kubernetes })).rejects.toThrow('no answer')
  })

  test('where the agent stops while the API server is asked', async () => {
    const waits = Promise.withResolvers<readonly ScaledWorkload[]>()
    const kubernetes: Course['kubernetes'] = ({ stop }) => ({
      scalable: async (_, signal) => {
        signal.addEventListener('abort', () => waits.reject(signal.reason as Error))
        stop()
        return waits.promise
      },
    })
    await expect(sheds({ kubernetes })).rejects.toThrow('the agent stops')
  })
})

describe('what is under way', () => {
  test('ends with the battery, and is on record to be undone', async () => {
    const ran = await sheds({ during: { 'scale-down': ({ reads }) => reads('rack', mains(0)) } })
    expect(ran.phases).toEqual(['scale-down, cut short'])
    expect(ran.outcome).toEqual(nothing('scaled 0 of 2 workloads to zero to save the battery'))
    expect(ran.outage).toMatchObject({ stage: 'shedding', scaled: [films, mail] })
  })

  test.each<{ name: string; course: Shed; is: string }>([
    { name: 'an agent that stops', course: { during: { 'scale-down': ({ stop }) => stop() } }, is: 'the agent stops' },
    {
      name: 'an agent that stops when mains power is back',
      course: {
        during: {
          'scale-down': ({ reads, stop }) => {
            reads('rack', mains(0))
            stop()
          },
        },
      },
      is: 'the agent stops',
    },
    { name: 'a bug', course: { throws: { 'scale-down': new TypeError('a bug') } }, is: 'a bug' },
  ])('ends by $name, which is not hidden', async ({ course, is }) => {
    await expect(sheds(course)).rejects.toThrow(is)
  })
})

test('the alert on a selector that is refused is over where there is none any more', async () => {
  const ran = await sheds({ shed: [], alerts: ['power.shed'] })
  expect(ran.lines).toEqual([])
})

test('a selector that is refused is an alert, and the others are used', async () => {
  const kubernetes = () => ({
    scalable: async ([asked]: readonly { readonly selector: string }[]) => {
      if (asked!.selector === 'odd') throw new AgentError('rejected', 'odd is refused')
      return [films]
    },
  })
  const ran = await sheds({ shed: [{ selector: 'odd' }, selection], kubernetes })
  expect(ran.lines).toEqual(['power.shed: power.shed: odd is refused; the other selectors are used'])
  expect(ran.told).toEqual(['scale-down: scale media/films to 0'])
})
