import { describe, expect, test } from 'vitest'
import { waitFor } from '../lab/daemon.ts'
import {
  allBack,
  allOff,
  failPower,
  playKill,
  stageOf,
  startWhole,
  type Aftermath,
  undisturbed,
  wholeHomelab,
  words,
} from '../fakes/outage-stories.ts'

/** The agent is killed, the power comes back and the power fails again, each at every step of an outage and of its end. */

const { diary, backAt } = await undisturbed()
const steps = diary.map((entry, index) => [entry, index] as const)
const down = steps.slice(0, backAt)
const back = steps.slice(backAt)

test('an outage that nothing disturbs has every kind of step', () => {
  const kinds = new Set(diary.map((entry) => entry.split(' ')[0]))
  expect(kinds).toEqual(
    new Set([
      'cordon',
      'drain',
      'log-in',
      'log-out',
      'scale',
      'set',
      'shut-down',
      'shut-down-host',
      'uncordon',
      'wake',
    ]),
  )
})

const aftermaths: readonly Aftermath[] = ['on battery', 'on mains', 'silent, then on battery', 'silent, then on mains']

describe.concurrent('an agent that is killed', () => {
  const points = steps.flatMap(([entry, index]) =>
    (['before', 'after'] as const).flatMap((when) =>
      aftermaths.map((aftermath) => ({ when, entry, index, aftermath })),
    ),
  )
  test.each(points)(
    '$when "$entry" (step $index) is followed by one that does right, $aftermath',
    async ({ when, index, aftermath }) => {
      const homelab = await playKill({ when, index, backAt, aftermath })
      expect(homelab.ports.journal.openOutage()).toBeUndefined()
    },
  )
})

describe.concurrent('power that is back', () => {
  test.each(down)('at "%s" (step %i) leaves nothing down and nothing changed', async (_, index) => {
    const homelab = wholeHomelab()
    await using it = startWhole(homelab)
    let seen = 0
    homelab.before = async () => {
      if (seen++ === index) await it.reads(words.mains)
    }
    const failing = failPower(it, homelab).catch(() => {})
    await waitFor('the step', 5_000, () => seen > index)
    await failing
    // The last word of `failPower` may come after mains; it is mains that stays.
    await it.reads(words.mains)
    await allBack(homelab)
    expect(stageOf(homelab)).toBe('over')
  })
})

describe.concurrent('power that fails again', () => {
  test.each(back)(
    'at "%s" (step %i) of the way back takes everything down, and mains brings it back',
    async (_, index) => {
      const homelab = wholeHomelab()
      await using it = startWhole(homelab)
      let seen = 0
      homelab.before = async () => {
        if (seen++ === index) await it.reads(words.low)
      }
      await failPower(it, homelab)
      await allOff(homelab)
      await it.reads(words.mains)
      await waitFor('the power to fail again', 5_000, () => seen > index)
      await allOff(homelab)
      homelab.before = undefined
      await it.reads(words.mains)
      await allBack(homelab)
      expect(stageOf(homelab)).toBe('over')
    },
  )
})
