import { describe, expect, test, vi } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { NodeActivity } from '../../src/core/cluster/ports.ts'
import type { Step } from '../../src/core/plan.ts'
import { answers, carriedOut, hangs, homelabWith, perform, refused } from './power-steps.ts'

const within = 5_000
const running: NodeActivity = { stage: 'running', phase: undefined }
const goingDown: NodeActivity = { stage: 'shutting down', phase: 'stopServices' }
const lost = refused('unreachable', 'connection reset')
const silent = refused('timed-out', 'no answer')

describe('a node is told to shut down', () => {
  const step = (more: Partial<Extract<Step, { do: 'shut-down' }>> = {}): Step => ({
    do: 'shut-down',
    node: 'w-1',
    force: true,
    within,
    ...more,
  })
  const told = async (
    orders: readonly (Error | undefined)[],
    activities: readonly (Error | NodeActivity)[] = [running],
  ) => {
    const order = answers<Error | undefined>(...orders.map((one) => one ?? ('ok' as never)))
    const activity = answers<NodeActivity>(...activities)
    const forces: boolean[] = []
    const homelab = homelabWith(({ talos }) => {
      talos.shutDown = async (_, { force }) => {
        forces.push(force)
        await order.next()
      }
      talos.activity = activity.next
    })
    const outcome = await perform(homelab, step())
    return { outcome, orders: order.asked, looks: activity.asked, forces }
  }

  test('once, where it accepts, and with what the plan says of pods', async () => {
    expect(await told([undefined])).toEqual({ outcome: 'done', orders: 1, looks: 0, forces: [true] })
  })

  test.each<{ name: string; orders: (Error | undefined)[]; activities?: (Error | NodeActivity)[]; is: object }>([
    {
      name: 'again where the answer was lost and it runs on',
      orders: [silent, undefined],
      is: { outcome: 'done', orders: 2, looks: 1 },
    },
    {
      name: 'and not again where it is on its way down',
      orders: [silent],
      activities: [goingDown],
      is: { outcome: 'done', orders: 1, looks: 1 },
    },
    {
      name: 'again where it does not say what it does',
      orders: [silent, undefined],
      activities: [refused('rejected', 'no os:reader')],
      is: { outcome: 'done', orders: 2, looks: 1 },
    },
    {
      name: 'not again before it says what it does, where that may come',
      orders: [silent, undefined],
      activities: [silent, running],
      is: { outcome: 'done', orders: 2, looks: 2 },
    },
    {
      name: 'no more where it refuses',
      orders: [refused('rejected', 'PermissionDenied')],
      is: { outcome: expect.stringContaining('PermissionDenied'), orders: 1, looks: 0 },
    },
    {
      name: 'no more where it can’t be reached twice',
      orders: [lost],
      activities: [lost],
      is: { outcome: expect.stringContaining("it can't be reached (connection reset)"), orders: 1, looks: 1 },
    },
    {
      name: 'again where it could not be reached once, or not twice in a row',
      orders: [lost, silent, lost, undefined],
      is: { outcome: 'done', orders: 4, looks: 3 },
    },
  ])('$name', async ({ orders, activities, is }) => {
    expect(await told(orders, activities)).toMatchObject(is)
  })

  test('again soon, however seldom anything else is asked: the battery does not wait', async () => {
    const order = answers<string>(silent, 'ok')
    const homelab = homelabWith(({ talos }) => (talos.shutDown = async () => void (await order.next())))
    expect(await carriedOut(homelab, step({ within: 3_600_000 }), { pollEvery: 3_600_000 })).toBe('done')
    expect(order.asked).toBe(2)
  })

  test('and not without a breath between', async () => {
    const order = answers<Error>(silent)
    const homelab = homelabWith(({ talos }) => {
      talos.shutDown = () => order.next().then(() => {})
      talos.activity = answers<NodeActivity>(running).next
    })
    await carriedOut(homelab, step({ within: 100 }), { pollEvery: 3_600_000 })
    expect(order.asked).toBe(1)
  })

  test('and counts as unreached where it can’t be reached, which is no time that was too short', async () => {
    const homelab = homelabWith(({ talos }) => {
      talos.shutDown = () => Promise.reject(lost)
      talos.activity = () => Promise.reject(lost)
    })
    expect(await carriedOut(homelab, step())).toMatchObject({ code: 'rejected' })
  })

  test('for as long as it may take, and no longer', async () => {
    const homelab = homelabWith(({ talos }) => (talos.shutDown = (_, __, signal) => hangs(signal)))
    expect(await perform(homelab, step({ within: 30 }))).toMatch(/waited .* for w-1 to accept the shutdown/)
  })

  test('and not once the run is called off', async () => {
    const stop = new AbortController()
    const homelab = homelabWith(({ talos }) => {
      talos.shutDown = async (_, __, signal) => {
        stop.abort(new Error('power is back'))
        await hangs(signal)
      }
    })
    expect(await perform(homelab, step(), stop.signal)).toBe('power is back')
  })
})

describe('a host is told to shut down', () => {
  const step: Step = { do: 'shut-down-host', host: 'nas', within }

  test.each<{ name: string; orders: (Error | string)[]; outcome: unknown; asked: number }>([
    { name: 'once', orders: ['ok'], outcome: 'done', asked: 1 },
    { name: 'again where that failed', orders: [silent, 'ok'], outcome: 'done', asked: 2 },
    {
      name: 'twice where it can’t be reached',
      orders: [lost],
      outcome: expect.stringContaining("can't be reached"),
      asked: 2,
    },
    {
      name: 'once where it refuses',
      orders: [refused('rejected', 'no sudo')],
      outcome: expect.stringContaining('no sudo'),
      asked: 1,
    },
  ])('$name', async ({ orders, outcome, asked }) => {
    const order = answers<string>(...orders)
    const homelab = homelabWith(({ hosts }) => (hosts.shutDown = async () => void (await order.next())))
    expect(await perform(homelab, step)).toEqual(outcome)
    expect(order.asked).toBe(asked)
  })
})

describe('a node is down', () => {
  const step = (limit = within): Step => ({ do: 'await-down', node: 'w-1', within: limit })
  const isDown = async (
    versions: readonly (Error | string)[],
    limit?: number,
    activity: Error | NodeActivity = goingDown,
  ) => {
    const version = answers<string>(...versions)
    const homelab = homelabWith(({ talos }) => {
      talos.version = version.next
      talos.activity = answers<NodeActivity>(activity).next
    })
    return { outcome: await perform(homelab, step(limit)), asked: version.asked }
  }

  test.each<{ name: string; versions: (Error | string)[]; is: object }>([
    { name: 'after two silences in a row', versions: [lost], is: { outcome: 'done', asked: 2 } },
    { name: 'and not after one', versions: [lost, 'v1.14.1', silent, lost], is: { outcome: 'done', asked: 4 } },
    {
      name: 'not while it answers that it may not say',
      versions: [refused('rejected', 'Unauthenticated'), refused('rejected'), lost],
      is: { outcome: 'done', asked: 4 },
    },
  ])('$name', async ({ versions, is }) => {
    expect(await isDown(versions)).toEqual(is)
  })

  test('and it is not asked without a breath between', async () => {
    const version = answers<string>('v1.14.1')
    const homelab = homelabWith(({ talos }) => (talos.version = version.next))
    await carriedOut(homelab, step(100), { pollEvery: 3_600_000 })
    expect(version.asked).toBe(1)
  })

  test('or it hangs, and its phase is told, or its stage, or nothing where it does not say', async () => {
    const says = async (activity: Error | NodeActivity) => (await isDown(['v1.14.1'], 60, activity)).outcome
    expect(await says(goingDown)).toMatch(
      /waited .* for w-1 to be down: it still answers: it is shutting down, in the phase stopServices$/,
    )
    expect(await says(running)).toMatch(/it still answers: it is running$/)
    expect(await says(silent)).toMatch(/for w-1 to be down: it still answers$/)
  })

  test('and what it does is asked once half of its time is over, as long as it answers', async () => {
    let now = 100_000
    using _ = vi.spyOn(performance, 'now').mockImplementation(() => now)
    const version = answers<string | Error>(...Array.from({ length: 8 }, () => 'v1.14.1'), lost)
    const activity = answers<NodeActivity>(goingDown)
    const asked: number[] = []
    const homelab = homelabWith(({ talos }) => {
      talos.version = async () => {
        now += 10_000
        return String(await version.next())
      }
      talos.activity = () => {
        asked.push(now - 100_000)
        return activity.next()
      }
    })
    expect(await perform(homelab, step(100_000))).toBe('done')
    expect(asked).toEqual([50_000, 60_000, 70_000, 80_000])
  })

  test.each<{ name: string; error: Error }>([
    { name: 'as ports say it', error: refused('unreachable', 'called off') },
    { name: 'by its reason', error: refused('not-now', 'mains power is back') },
  ])('is not said of one whose question was called off, $name', async ({ error }) => {
    const stop = new AbortController()
    const reason = refused('not-now', 'mains power is back')
    let asked = 0
    const homelab = homelabWith(({ talos }) => {
      talos.version = async () => {
        asked += 1
        if (asked === 1) throw lost
        stop.abort(reason)
        throw error
      }
    })
    const told: string[] = []
    const onStep = (_: Step, { kind }: { readonly kind: string }) => void told.push(kind)
    expect(await carriedOut(homelab, step(), { signal: stop.signal, onStep })).toBe(reason)
    expect(told).toEqual(['started', 'failed'])
  })

  test('where questions hang', async () => {
    const homelab = homelabWith(({ talos }) => {
      talos.version = async () => {
        throw new AgentError('timed-out', 'not done within 3 s')
      }
    })
    expect(await perform(homelab, step())).toBe('done')
  })
})

describe('a host is down', () => {
  const step: Step = { do: 'await-host-down', host: 'nas', within }

  test.each<{ name: string; says: (Error | boolean)[]; outcome: unknown; asked: number }>([
    { name: 'after two silences', says: [true, false, true, false], outcome: 'done', asked: 5 },
    { name: 'also those that time out', says: [silent], outcome: 'done', asked: 2 },
    {
      name: 'and nobody knows where nothing can be asked',
      says: [refused('misconfigured', 'no key')],
      outcome: expect.stringContaining('no key'),
      asked: 1,
    },
  ])('$name', async ({ says, outcome, asked }) => {
    const answer = answers<boolean>(...says)
    const homelab = homelabWith(({ hosts }) => (hosts.answers = answer.next))
    expect(await perform(homelab, step)).toEqual(outcome)
    expect(answer.asked).toBe(asked)
  })
})
