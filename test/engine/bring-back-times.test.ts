import { expect, test, vi } from 'vitest'
import type { Step } from '../../src/core/plan.ts'
import { fakeLimits, hangsUntil, inTime } from './orders.ts'
import { answers, carriedOut, homelabWith, perform, refused } from './power-steps.ts'

type BringBack = Extract<Step, { do: 'bring-back' }>

const node = (more: Partial<BringBack>): BringBack => ({
  do: 'bring-back',
  node: 'w-1',
  afterKubernetes: false,
  ready: false,
  hasMac: true,
  retryInterval: 20_000,
  powerOnAfter: undefined,
  within: 3_600_000,
  ...more,
})

/** What is sent to a machine that never comes up, with the second in which it is: it is looked at every ten seconds. */
async function sentBy(end: number, step: Partial<BringBack>, turn = 0): Promise<readonly string[]> {
  let seconds = 0
  using _ = vi.spyOn(performance, 'now').mockImplementation(() => 100_000 + seconds * 1_000)
  const stop = new AbortController()
  const sent: string[] = []
  let looks = 0
  const homelab = homelabWith(({ talos, waker }) => {
    waker.turnIn = async () => turn
    waker.wake = async () => void sent.push(`${seconds} packet`)
    waker.powerOn = async () => void sent.push(`${seconds} power on`)
    talos.observe = async () => {
      seconds = 10 * looks++
      if (seconds > end) stop.abort(new Error('enough'))
      throw refused('unreachable')
    }
  })
  expect(await perform(homelab, node(step), stop.signal)).toBe('enough')
  return sent.filter((one) => Number.parseInt(one, 10) <= end)
}

test.each<{ name: string; step: Partial<BringBack>; turn?: number; sent: readonly string[] }>([
  {
    name: 'a packet at once, and again in each interval',
    step: {},
    sent: ['0 packet', '20 packet', '40 packet', '60 packet', '80 packet'],
  },
  {
    name: 'what else switches it on after its time, and no sooner again',
    step: { powerOnAfter: 30_000 },
    sent: ['0 packet', '20 packet', '30 power on', '40 packet', '60 packet', '60 power on', '80 packet'],
  },
  {
    name: 'nor sooner than packets are: a power cycle would keep it from booting',
    step: { powerOnAfter: 30_000, retryInterval: 40_000 },
    sent: ['0 packet', '30 power on', '40 packet', '70 power on', '80 packet'],
  },
  {
    name: 'what else switches it on at once, where no packet can',
    step: { hasMac: false, powerOnAfter: 30_000 },
    sent: ['0 power on', '30 power on', '60 power on'],
  },
  { name: 'nothing where nothing can', step: { hasMac: false }, sent: [] },
  {
    name: 'nothing before its turn, from which all of this counts',
    step: { powerOnAfter: 30_000 },
    turn: 20_000,
    sent: ['20 packet', '40 packet', '50 power on', '60 packet', '80 packet', '80 power on'],
  },
])('a machine that does not come up is sent $name', async ({ step, turn, sent }) => {
  expect(await sentBy(80, step, turn)).toEqual(sent)
})

test('to switch it on otherwise has half a minute, and holds up nothing', async () => {
  using limits = fakeLimits()
  const mayHang = hangsUntil(limits, 30_000)
  const homelab = homelabWith(({ waker }, { machine }) => {
    machine('w-1').up = false
    waker.powerOn = async (name, signal) => {
      machine('w-1').up = true
      await mayHang.call(name, signal)
    }
  })
  expect(await carriedOut(homelab, node({ hasMac: false, powerOnAfter: 0 }))).toBe('done')
  expect(mayHang.seen).toEqual(inTime)
})

const host: Extract<Step, { do: 'bring-back-host' }> = {
  do: 'bring-back-host',
  host: 'nas',
  hasMac: true,
  retryInterval: 10_000,
  powerOnAfter: undefined,
  within: 3_600_000,
}

test('a host whose question fails is silent, and is sent a packet', async () => {
  const sent: string[] = []
  const homelab = homelabWith(({ hosts, waker }) => {
    hosts.answers = answers<boolean | Error>(refused('timed-out'), true).next as typeof hosts.answers
    waker.wake = async (name) => void sent.push(name)
  })
  expect(await perform(homelab, host)).toBe('done')
  expect(sent).toEqual(['nas'])
})

test('a host that answers is up once it has had the time that its shutdown may take', async () => {
  let now = 100_000
  using _ = vi.spyOn(performance, 'now').mockImplementation(() => now)
  let asked = 0
  const homelab = homelabWith(({ hosts, waker }) => {
    waker.wake = async () => {}
    hosts.answers = async () => {
      asked += 1
      now += 5_000
      return true
    }
  })
  expect(await perform(homelab, { ...host, stopsWithin: 20_000 })).toBe('done')
  expect(asked).toBe(4)
})
