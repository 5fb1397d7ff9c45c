import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { waitFor } from '../lab/daemon.ts'
import { low, onBattery, online, three, two } from '../fakes/stories.ts'

async function fails({ agent, reads }: StartedAgent): Promise<void> {
  await reads(online)
  await reads(onBattery)
  await reads(low)
  await agent.idle()
}

/** Comes back, and stays back until nothing is left to do. */
async function returns({ agent, reads }: StartedAgent, homelab: FakeHomelab): Promise<void> {
  await reads(online)
  await expect.poll(() => homelab.ports.journal.outages(1)[0]?.stage).toBe('over')
  await agent.idle()
}

const entries = (homelab: FakeHomelab, verb: string) =>
  homelab.diary.filter((entry) => entry.startsWith(`${verb} `)).map((entry) => entry.slice(verb.length + 1))

test('a failing battery shuts the workers down and then the control planes, drained and with no queue at all', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab)
  await it.reads(online)
  it.waiting.length = 0
  await it.reads(onBattery)
  await it.reads(low)
  await it.agent.idle()
  expect(entries(homelab, 'cordon').sort()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'])
  expect(entries(homelab, 'drain').sort()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'])
  expect(entries(homelab, 'shut-down').slice(0, 2).sort()).toEqual(['w-1', 'w-2'])
  expect(entries(homelab, 'shut-down').slice(2).sort()).toEqual(['cp-1', 'cp-2', 'cp-3'])
  expect(homelab.diary.at(-1)).toBe('log-out')
  expect(it.waiting).toEqual([])
})

test('with too little battery left every node is told at once, and nothing is drained', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '60s' } })
  await it.reads(online)
  await it.reads({ ...low, runtime: 30_000 })
  await it.agent.idle()
  expect(entries(homelab, 'drain')).toEqual([])
  expect(entries(homelab, 'shut-down').sort()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'])
})

test('when power returns everything that was up before is woken, control planes first, and our own cordons go', async () => {
  const homelab = fakeHomelab(three)
  homelab.machine('w-2').up = false
  homelab.machine('w-1').unschedulable = true // a person's
  await using it = startAgent(homelab)
  await fails(it)
  await returns(it, homelab)
  expect(new Set(entries(homelab, 'wake').slice(0, 3))).toEqual(new Set(['cp-1', 'cp-2', 'cp-3']))
  expect(entries(homelab, 'wake')).toContain('w-1')
  expect(entries(homelab, 'wake')).not.toContain('w-2')
  expect(homelab.machine('w-2').up).toBe(false)
  expect(homelab.machine('w-1').unschedulable).toBe(true)
  expect(homelab.machine('cp-1')).toMatchObject({ up: true, unschedulable: false })
})

test('power that returns while pods are leaving undoes everything, and no node goes down', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab, { power: { drainTimeout: '10s' } })
  const draining = Promise.withResolvers<void>()
  homelab.ports.kubernetes.drain = (_node, _policy, signal) => {
    draining.resolve()
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  }
  await it.reads(online)
  await it.reads(low)
  await draining.promise
  await returns(it, homelab)
  expect(entries(homelab, 'shut-down')).toEqual([])
  expect(entries(homelab, 'wake')).toEqual([])
  expect([...homelab.machines.values()].filter(({ unschedulable }) => unschedulable)).toEqual([])
})

test('power that returns between workers and control planes leaves the control planes running', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.before = async (entry) => {
    if (entry === 'shut-down w-2') await it.reads(online)
  }
  await it.reads(low)
  await expect.poll(() => homelab.ports.journal.outages(1)[0]?.stage).toBe('over')
  expect(entries(homelab, 'shut-down').sort()).toEqual(['w-1', 'w-2'])
  expect(entries(homelab, 'wake').sort()).toEqual(['w-1', 'w-2'])
  expect([...homelab.machines.values()].every(({ up, unschedulable }) => up && !unschedulable)).toBe(true)
})

test('a node that hangs holds up no other, and is given up on the record', async () => {
  const homelab = fakeHomelab(three)
  homelab.machine('w-1').hangs = true
  await using it = startAgent(homelab, { power: { shutdownTimeout: '300ms' } })
  await it.reads(online)
  await it.reads(low)
  await expect.poll(() => homelab.ports.journal.openOutage()?.stage).toBe('stopped')
  expect(homelab.ports.journal.openOutage()?.nodes).toMatchObject({
    'w-1': { state: 'abandoned' },
    'cp-1': { state: 'off' },
  })
  expect([...homelab.machines.values()].filter(({ up }) => up).map(({ name }) => name)).toEqual(['w-1'])
  const steps = homelab.ports.journal.entries(200).flatMap(({ kind, text }) => (kind === 'step' ? [text] : []))
  expect(steps.join()).toContain('it still answers: it is shutting down, in the phase unmountSystem')
})

test('a node that hangs in the next outage too is named again', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '300ms' } })
  await it.reads(online)
  for (const outage of [1, 2]) {
    homelab.machine('w-1').hangs = true
    await it.reads(low)
    await expect.poll(() => homelab.ports.journal.openOutage()?.stage).toBe('stopped')
    // Somebody presses its power button.
    Object.assign(homelab.machine('w-1'), { hangs: false, up: false })
    await returns(it, homelab)
    const named = homelab.ports.journal
      .entries(1_000)
      .filter(({ kind, text }) => kind === 'alert' && text.startsWith('w-1 did not shut down in time. '))
    expect(named).toHaveLength(outage)
  }
})

test.each([
  { name: 'that runs on, because it did not arrive, is sent again', arrives: false, requests: 2 },
  { name: 'that takes effect is not sent again: that would begin it anew', arrives: true, requests: 1 },
] as const)('a request to shut down without an answer $name', async ({ arrives, requests }) => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.before = (entry) => {
    if (entry !== 'shut-down w-1' || homelab.diary.includes(entry)) return
    // It goes down slowly, so that it answers meanwhile.
    Object.assign(homelab.machine('w-1'), { answerLost: true, hangs: arrives, rebootIgnored: !arrives })
  }
  await it.reads(low)
  await expect.poll(() => homelab.ports.journal.openOutage()?.stage).toBe('stopped')
  expect(homelab.diary.filter((entry) => entry === 'shut-down w-1')).toHaveLength(requests)
  expect(homelab.machine('w-1').up).toBe(arrives)
})

test('a request to shut down without an answer is sent again to a node that does not say what it does', async () => {
  const homelab = fakeHomelab(two)
  homelab.ports.talos.activity = async () => {
    throw new AgentError('rejected', 'w-1: not authorized')
  }
  await using it = startAgent(homelab)
  await it.reads(online)
  homelab.before = (entry) => {
    if (entry === 'shut-down w-1' && !homelab.diary.includes(entry))
      Object.assign(homelab.machine('w-1'), { answerLost: true, rebootIgnored: true })
  }
  await it.reads(low)
  await expect.poll(() => homelab.ports.journal.openOutage()?.stage).toBe('stopped')
  expect(homelab.machine('w-1').up).toBe(false)
})

test('a Kubernetes API that is away does not keep nodes up', async () => {
  const homelab = fakeHomelab(three)
  homelab.machine('cp-1').up = false
  homelab.machine('cp-2').up = false
  await using it = startAgent(homelab)
  await fails(it)
  expect(entries(homelab, 'shut-down').sort()).toEqual(['cp-3', 'w-1', 'w-2'])
})

test('a node that comes up while the battery runs down is told again', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { shutdownTimeout: '20ms' } })
  await fails(it)
  homelab.machine('w-1').up = true
  homelab.machine('w-1').stage = 'running'
  await expect.poll(() => homelab.machine('w-1').up).toBe(false)
})

test('a forced shutdown that upsd kept from before is an alert and no shutdown', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads({ status: ['FSD', 'OL', 'CHRG'] })
  await it.agent.idle()
  expect(homelab.diary).toEqual([])
  expect(it.agent.guard.power.upses.get('ups')?.mode).toBe('latched')
})

test('silence on mains changes nothing; silence on battery counts as empty after a while', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { deadTime: '30s' } })
  await it.reads(online)
  for (let minute = 0; minute < 60; minute++) await it.silent(60_000)
  expect(it.agent.guard.power.upses.get('ups')?.mode).toBe('on-mains')
  await it.reads(onBattery)
  await it.silent(20_000)
  expect(it.agent.guard.power.upses.get('ups')?.mode).toBe('on-battery')
  await it.silent(20_000)
  await it.agent.idle()
  expect(entries(homelab, 'shut-down')).toEqual(['w-1', 'cp-1'])
})

test('nothing is woken before mains was stable and the battery charged', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, {
    power: {
      wake: {
        stableAfter: '0s',
        minimumRuntime: '0s',
        unknownChargeAfter: '0s',
        minimumCharge: 25,
        retryInterval: '5ms',
        giveUpAfter: '1s',
      },
    },
  })
  await fails(it)
  await it.reads({ ...online, charge: 10 })
  await it.agent.idle()
  expect(entries(homelab, 'wake')).toEqual([])
  expect(homelab.ports.journal.runs(10).find(({ job }) => job === 'wake-cluster')?.detail).toBe(
    'the battery is at 10 %, and waking needs 25 % (power.wake.minimumCharge)',
  )
})

test('a power cut in the middle of waking shuts down again what had come up, and it all comes back in the end', async () => {
  const homelab = fakeHomelab(three)
  await using it = startAgent(homelab)
  await fails(it)
  let once = true
  homelab.before = async (entry) => {
    if (!once || entry !== 'wake w-1') return
    once = false
    await it.reads(low)
  }
  await it.reads(online)
  await expect.poll(() => homelab.machine('cp-1').up).toBe(false)
  await expect.poll(() => homelab.ports.journal.openOutage()?.stage).toBe('stopped')
  homelab.before = undefined
  await returns(it, homelab)
  expect([...homelab.machines.values()].every(({ up, unschedulable }) => up && !unschedulable)).toBe(true)
})

const moments = [
  'cordon cp-1',
  'drain w-1',
  'shut-down w-1',
  'shut-down cp-1',
  'log-out',
  'wake cp-1',
  'wake w-1',
  'uncordon w-1',
]
for (const at of moments) {
  for (const then of ['on battery', 'on mains'] as const) {
    test(`an agent that dies at "${at}" is followed by one that does right, ${then}`, async () => {
      const homelab = fakeHomelab(two)
      {
        const first = startAgent(homelab)
        const died = Promise.withResolvers<void>()
        let dead = false
        homelab.before = async (entry) => {
          if (dead) await new Promise(() => {})
          if (entry !== at) return
          dead = true
          died.resolve()
          await new Promise(() => {})
        }
        await first.reads(online)
        await first.reads(low)
        if (/wake|uncordon/.test(at)) {
          await waitFor('every node to be told', 5_000, () => homelab.ports.journal.openOutage()?.stage === 'stopped')
          await first.reads(online)
        }
        await died.promise
        // The dead do nothing any more; what hangs in a call hangs for good.
        void first.agent.stop()
      }
      homelab.before = undefined
      await using second = startAgent(homelab)
      await second.reads(then === 'on battery' ? low : online)
      if (then === 'on battery') {
        await waitFor('every node to be off', 5_000, () => [...homelab.machines.values()].every(({ up }) => !up))
        await second.agent.idle()
      }
      await returns(second, homelab)
      expect([...homelab.machines.values()].map(({ up, unschedulable }) => ({ up, unschedulable }))).toEqual([
        { up: true, unschedulable: false },
        { up: true, unschedulable: false },
      ])
    })
  }
}
