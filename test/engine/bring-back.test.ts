import { describe, expect, test } from 'vitest'
import type { Step } from '../../src/core/plan.ts'
import type { FakeHomelab } from '../fakes/homelab.ts'
import { answers, homelabWith, perform, refused } from './power-steps.ts'

const within = 5_000
type BringBack = Extract<Step, { do: 'bring-back' }>
type BringBackHost = Extract<Step, { do: 'bring-back-host' }>

const waking = { hasMac: true, retryInterval: 10_000, powerOnAfter: undefined, within } as const
const node = (more: Partial<BringBack> = {}): BringBack => ({
  do: 'bring-back',
  node: 'w-1',
  afterKubernetes: false,
  ready: true,
  ...waking,
  ...more,
})
const host = (more: Partial<BringBackHost> = {}): BringBackHost => ({
  do: 'bring-back-host',
  host: 'nas',
  ...waking,
  ...more,
})

/** What was sent and switched, one after the other. */
function recorded(homelab: FakeHomelab) {
  const sent: string[] = []
  const { waker } = homelab.ports
  waker.wake = async (name) => void sent.push(`wake ${name}`)
  waker.powerOn = async (name) => void sent.push(`power on ${name}`)
  return sent
}

describe('a node', () => {
  const shutDown = () =>
    homelabWith((_, homelab) =>
      Object.assign(homelab.machine('w-1'), {
        up: false,
        unschedulable: true,
        mark: { why: 'power', at: '2026-01-01T00:00:00Z' },
      }),
    )

  test('is woken, waited for and given back to Kubernetes', async () => {
    const homelab = shutDown()
    expect(await perform(homelab, node())).toBe('done')
    expect(homelab.machine('w-1')).toMatchObject({ up: true, unschedulable: false })
  })

  test('that is up is sent nothing', async () => {
    const homelab = homelabWith(() => {})
    const sent = recorded(homelab)
    expect(await perform(homelab, node())).toBe('done')
    expect(sent).toEqual([])
  })

  test('that is still going down is woken, and waited for', async () => {
    const homelab = homelabWith(() => {})
    const sent = recorded(homelab)
    const { observe } = homelab.ports.talos
    const stages = answers<string>('shutting down', 'shutting down', 'running')
    homelab.ports.talos.observe = async (name, signal) => ({
      ...(await observe(name, signal)),
      ...(name === 'w-1' ? { stage: await stages.next() } : {}),
    })
    expect(await perform(homelab, node())).toBe('done')
    expect(sent).toEqual(['wake w-1'])
    homelab.ports.talos.observe = async (name, signal) => ({ ...(await observe(name, signal)), stage: 'shutting down' })
    expect(await perform(homelab, node({ within: 40 }))).toMatch(/for w-1 to come up: it is still shutting down$/)
  })

  test('whose address leads to another machine is woken all the same, where it can be', async () => {
    for (const hasMac of [true, false]) {
      const homelab = homelabWith(() => {})
      const sent = recorded(homelab)
      const { observe } = homelab.ports.talos
      homelab.ports.talos.observe = async (name, signal) => ({ ...(await observe(name, signal)), nodename: 'w-9' })
      expect(await perform(homelab, node({ hasMac, ready: false }))).toBe('done')
      expect(sent).toEqual(hasMac ? ['wake w-1'] : [])
    }
  })

  test('that does not tell its name is taken for the one that is meant', async () => {
    const homelab = homelabWith(() => {})
    const sent = recorded(homelab)
    const { observe } = homelab.ports.talos
    homelab.ports.talos.observe = async (name, signal) => ({ ...(await observe(name, signal)), nodename: undefined })
    expect(await perform(homelab, node({ ready: false }))).toBe('done')
    expect(sent).toEqual([])
  })

  test('need not be ready where it was not before', async () => {
    const homelab = homelabWith((_, { machine }) => Object.assign(machine('w-1'), { kubeletIll: true }))
    expect(await perform(homelab, node({ ready: false }))).toBe('done')
    expect(await perform(homelab, node({ within: 40 }))).toMatch(/for w-1 to be ready: w-1 /)
  })

  test.each([
    { afterKubernetes: true, isAsked: true },
    { afterKubernetes: false, isAsked: false },
  ])('waits for the API where that is so: $afterKubernetes', async ({ afterKubernetes, isAsked }) => {
    const homelab = homelabWith(() => {})
    const version = answers<string>(refused('unreachable'), refused('unreachable'), 'v1.36.3')
    homelab.ports.kubernetes.version = version.next
    expect(await perform(homelab, node({ afterKubernetes }))).toBe('done')
    expect(version.asked).toBe(isAsked ? 3 : 0)
  })

  test('is woken although the API does not come back', async () => {
    const homelab = shutDown()
    homelab.ports.kubernetes.version = answers<string>(refused('unreachable')).next
    expect(await perform(homelab, node({ afterKubernetes: true, within: 50, ready: false }))).toBe('done')
    expect(homelab.machine('w-1').up).toBe(true)
  })

  test('is woken no more once the run is called off while the API is waited for', async () => {
    const homelab = shutDown()
    const sent = recorded(homelab)
    homelab.ports.waker.turnIn = async () => sent.push('its turn')
    const stop = new AbortController()
    homelab.ports.kubernetes.version = async () => {
      stop.abort(new Error('mains power failed again'))
      throw refused('unreachable')
    }
    expect(await perform(homelab, node({ afterKubernetes: true }), stop.signal)).toBe('mains power failed again')
    expect(sent).toEqual([])
  })
})

describe('a machine that does not come up', () => {
  const off = () => homelabWith((_, homelab) => Object.assign(homelab.machine('w-1'), { up: false }))
  const tried = async (step: Partial<BringBack>) => {
    const homelab = off()
    const sent = recorded(homelab)
    return { outcome: await perform(homelab, node({ within: 60, ...step })), sent }
  }

  test('is sent a packet again and again, as often as is wanted', async () => {
    expect((await tried({ retryInterval: 10_000 })).sent).toEqual(['wake w-1'])
    const homelab = off()
    const sent: string[] = []
    homelab.ports.waker.wake = async (name) => void (homelab.machine('w-1').up = sent.push(name) === 4)
    expect(await perform(homelab, node({ retryInterval: 0, ready: false }))).toBe('done')
    expect(sent).toHaveLength(4)
  })

  test('is named, with its button where nothing else can switch it on', async () => {
    expect((await tried({})).outcome).toMatch(/waited .* for w-1 to come up: it does not answer yet$/)
    const { outcome, sent } = await tried({ hasMac: false })
    expect(outcome).toMatch(/for w-1 to be switched on \(it has no mac, so press its button\): it does not answer yet$/)
    expect(sent).toEqual([])
    const { outcome: other } = await tried({ hasMac: false, powerOnAfter: 10_000 })
    expect(other).toMatch(/for w-1 to come up: it does not answer yet$/)
  })

  test('is switched on otherwise once packets have had their time, and at once without any', async () => {
    const homelab = off()
    const sent: string[] = []
    homelab.ports.waker.wake = async (name) => void sent.push(`wake ${name}`)
    homelab.ports.waker.powerOn = async (name) => {
      sent.push(`power on ${name}`)
      homelab.machine('w-1').up = true
    }
    expect(await perform(homelab, node({ powerOnAfter: 30, ready: false }))).toBe('done')
    expect(sent).toEqual(['wake w-1', 'power on w-1'])
    expect((await tried({ powerOnAfter: 10_000 })).sent).toEqual(['wake w-1'])
    expect((await tried({ powerOnAfter: 10_000, hasMac: false })).sent).toEqual(['power on w-1'])
  })

  test('is not switched off by that over and over again', async () => {
    const often = await tried({ powerOnAfter: 0, retryInterval: 10_000 })
    expect(often.sent).toEqual(['wake w-1', 'power on w-1'])
    expect(
      (await tried({ powerOnAfter: 0, retryInterval: 0 })).sent.filter((one) => one.startsWith('power')).length,
    ).toBeGreaterThan(1)
  })

  test('is waited for though nothing can be sent to it', async () => {
    const homelab = off()
    homelab.ports.waker.wake = async () => {
      throw refused('unreachable', 'no interface')
    }
    homelab.ports.waker.powerOn = async () => void (homelab.machine('w-1').up = true)
    expect(await perform(homelab, node({ powerOnAfter: 0, ready: false }))).toBe('done')
  })

  test('has its time from its turn on, and nothing is sent before', async () => {
    const homelab = off()
    const sent = recorded(homelab)
    homelab.ports.waker.turnIn = async () => 60_000
    const stop = new AbortController()
    const { observe } = homelab.ports.talos
    let looks = 0
    homelab.ports.talos.observe = (name, signal) => {
      if (++looks === 5) stop.abort(new Error('enough'))
      return observe(name, signal)
    }
    // Its own time would be over by now.
    expect(await perform(homelab, node({ within: 1 }), stop.signal)).toBe('enough')
    expect(sent).toEqual([])
  })
})

describe('a host', () => {
  test('that answers is up, and one that does not is woken', async () => {
    const homelab = homelabWith(() => {})
    const sent = recorded(homelab)
    homelab.ports.hosts.answers = answers(false, refused('timed-out'), true).next
    expect(await perform(homelab, host())).toBe('done')
    expect(sent).toEqual(['wake nas'])
    expect(await perform(homelab, host())).toBe('done')
    expect(sent).toEqual(['wake nas'])
  })

  test('whose shutdown was requested is not up because it still answers', async () => {
    const homelab = homelabWith(() => {})
    const sent = recorded(homelab)
    expect(await perform(homelab, host({ stopsWithin: 60_000, within: 40 }))).toMatch(/it may still be shutting down$/)
    expect(sent).toEqual(['wake nas'])
    // It is once it was silent, or has had the time that it takes.
    homelab.ports.hosts.answers = answers<boolean>(true, false, true).next
    expect(await perform(homelab, host({ stopsWithin: 60_000 }))).toBe('done')
    homelab.ports.hosts.answers = answers<boolean>(true).next
    expect(await perform(homelab, host({ stopsWithin: 20 }))).toBe('done')
  })
})
