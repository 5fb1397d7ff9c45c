import { describe, expect, test } from 'vitest'
import { beginOutage, type Outage, withNodeState } from '../../src/core/outage.ts'
import { describeStep, type Plan } from '../../src/core/plan.ts'
import { planShutdown, planWake, type ShutdownPolicy } from '../../src/core/shutdown.ts'

const now = new Date('2026-03-01T02:00:00Z')
const policy: ShutdownPolicy = { drain: 90_000, nodeStops: 60_000, reserve: 60_000, assumedRuntime: 180_000 }
const inventory = [
  { name: 'cp-1', role: 'controlplane', mac: '00:1b:21:3a:4f:01' },
  { name: 'w-1', role: 'worker', mac: '00:1b:21:3a:4f:02' },
  { name: 'w-2', role: 'worker' },
] as const
const names = inventory.map(({ name }) => name)
const fresh = beginOutage(now, 'low-battery', names, new Set(names))

/** Each phase in a line: `drain: drain w-1, drain w-2`. */
const outline = (plan: Plan) => plan.map(({ name, steps }) => `${name}: ${steps.map(describeStep).join(', ')}`)
const plan = (left: number | undefined, outage = fresh, changed: Partial<ShutdownPolicy> = {}) =>
  planShutdown(inventory, outage, left, { ...policy, ...changed }, now)
const stepsOf = (list: Plan) => list.flatMap(({ steps }) => steps)

describe('with battery enough', () => {
  const ordered = plan(600_000)

  test('all are cordoned, then drained; workers go down, then the control planes', () => {
    expect(ordered.form).toBe('ordered')
    expect(outline(ordered.reversible)).toEqual([
      'cordon: cordon cp-1, cordon w-1, cordon w-2',
      'drain: drain cp-1, drain w-1, drain w-2',
    ])
    expect(outline(ordered.irreversible)).toEqual([
      'workers: shut down w-1, shut down w-2',
      'workers down: await down w-1, await down w-2',
      'control planes: shut down cp-1',
      'control planes down: await down cp-1',
    ])
  })

  test('every node is told by force, and no phase holds up the next', () => {
    const phases = [...ordered.reversible, ...ordered.irreversible]
    expect(phases.every(({ bestEffort }) => bestEffort)).toBe(true)
    const told = stepsOf(ordered.irreversible).filter((step) => step.do === 'shut-down')
    expect(told.map(({ force }) => force)).toEqual([true, true, true])
  })

  test('nothing that can be taken back is among what cannot', () => {
    expect(stepsOf(ordered.reversible).map((step) => step.do)).not.toContain('shut-down')
  })

  test('the cordons are marked as ours, for the power', () => {
    const marks = stepsOf(ordered.reversible).flatMap((step) => (step.do === 'cordon' ? [step.mark] : []))
    const mark = { why: 'power', at: '2026-03-01T02:00:00.000Z' }
    expect(marks).toEqual([mark, mark, mark])
  })
})

describe('the time that pods get', () => {
  test.each<[string, number | undefined, Partial<ShutdownPolicy>, number | 'none' | 'short', string]>([
    ['all of it', 600_000, {}, 90_000, 'the battery has 600 s left: pods get 90 s to leave'],
    ['what the battery leaves', 215_000, {}, 30_000, 'the battery has 215 s left: pods get 30 s to leave'],
    ['five seconds', 190_000, {}, 5_000, 'the battery has 190 s left: pods get 5 s to leave'],
    ['none that would be of use', 189_000, {}, 'none', 'the battery has 189 s left: no time to drain'],
    ['none', 180_000, {}, 'none', 'the battery has 180 s left: no time to drain'],
    [
      'none, nor is there time for an order',
      179_000,
      {},
      'short',
      'the battery has 179 s left, and stopping in order needs 180 s: every node is told at once',
    ],
    [
      'none with an empty battery',
      0,
      {},
      'short',
      'the battery has 0 s left, and stopping in order needs 180 s: every node is told at once',
    ],
    [
      'what is assumed where the UPS is silent about it',
      undefined,
      { assumedRuntime: 245_000 },
      60_000,
      'the UPS does not say how long the battery lasts: pods get 60 s to leave',
    ],
    [
      'as little as a policy wants',
      600_000,
      { drain: 2_000 },
      2_000,
      'the battery has 600 s left: pods get 2 s to leave',
    ],
  ])('is %s', (_, left, changed, given, reason) => {
    const decided = plan(left, fresh, changed)
    const drains = stepsOf(decided.reversible).flatMap((step) => (step.do === 'drain' ? [step] : []))
    expect(decided.reason).toBe(reason)
    expect(decided.form).toBe(given === 'short' ? 'short' : 'ordered')
    expect(drains.map(({ within }) => within)).toEqual(typeof given === 'number' ? [given, given, given] : [])
    for (const { policy, within } of drains) {
      expect(policy).toEqual({ deleteAfter: Math.round(within / 4), maxGrace: within })
    }
  })
})

test('with too little battery every node is told at once', () => {
  const short = plan(30_000)
  expect(short.reversible).toEqual([])
  expect(outline(short.irreversible)).toEqual([
    'everything: shut down cp-1, shut down w-1, shut down w-2',
    'everything down: await down cp-1, await down w-1, await down w-2',
  ])
})

describe('the time that a node gets to stop', () => {
  test.each<[number, number, number]>([
    [60_000, 5_000, 55_000],
    [10_000, 5_000, 5_000],
    [9_000, 4_500, 4_500],
    [1_000, 500, 500],
  ])('of %d ms is %d ms for the order and %d ms for the rest', (nodeStops, order, rest) => {
    for (const left of [600_000, 0]) {
      const steps = stepsOf(plan(left, fresh, { nodeStops }).irreversible)
      const limits = (kind: 'shut-down' | 'await-down') =>
        steps.flatMap((step) => (step.do === kind ? [step.within] : []))
      expect(limits('shut-down')).toEqual([order, order, order])
      expect(limits('await-down')).toEqual([rest, rest, rest])
    }
  })

  test('is what an order of workers and control planes is planned with: twice that, and no more', () => {
    for (const nodeStops of [1_000, 9_000, 60_000]) {
      const left = 2 * nodeStops + policy.reserve
      const { form, reversible, irreversible } = plan(left, fresh, { nodeStops })
      const longest = irreversible.map(({ steps }) =>
        Math.max(...steps.map((step) => ('within' in step ? step.within : Infinity))),
      )
      expect([form, reversible]).toEqual(['ordered', []])
      expect(longest.reduce((sum, limit) => sum + limit, 0)).toBe(2 * nodeStops)
    }
  })
})

test.each([600_000, 170_000, 0, undefined])(
  'with %s ms left nobody logs out of the UPS: nodes may still run',
  (left) => {
    const { reversible, irreversible } = plan(left)
    expect(stepsOf([...reversible, ...irreversible]).map((step) => step.do)).not.toContain('log-out-of-ups')
  },
)

describe('an outage that is taken up again', () => {
  const stopping = withNodeState(withNodeState(fresh, 'w-1', 'off'), 'w-2', 'shutdown-sent')

  test('is not drained again, and leaves out what is down', () => {
    const decided = plan(600_000, stopping)
    expect(decided.reason).toBe('the battery has 600 s left: going on where it was left')
    expect(decided.reversible).toEqual([])
    expect(outline(decided.irreversible)).toEqual([
      'workers: shut down w-2',
      'workers down: await down w-2',
      'control planes: shut down cp-1',
      'control planes down: await down cp-1',
    ])
  })

  test.each<[Outage['nodes'][string]['state'], Outage['stage'], boolean]>([
    ['up', 'stopping', true],
    ['shutdown-sent', 'stopping', true],
    ['unreached', 'stopping', true],
    ['off', 'stopping', false],
    ['abandoned', 'stopping', false],
    ['wake-sent', 'stopping', true],
    ['back', 'stopping', true],
    ['unreached', 'draining', true],
    ['unreached', 'stopped', false],
    ['up', 'stopped', true],
    ['shutdown-sent', 'stopped', true],
    ['off', 'stopped', false],
    ['abandoned', 'stopped', false],
  ])('tells a node that is %s to shut down while the outage is %s: %s', (state, stage, told) => {
    for (const left of [600_000, 0]) {
      const decided = plan(left, {
        ...fresh,
        stage,
        nodes: { ...fresh.nodes, 'w-1': { wasUp: true, state } },
      })
      expect(outline(decided.irreversible).join().includes('shut down w-1')).toBe(told)
    }
  })

  test('with every node down does nothing', () => {
    const down = names.reduce((outage, name) => withNodeState(outage, name, 'off'), fresh)
    for (const left of [600_000, 0]) {
      for (const stage of ['stopping', 'stopped'] as const) {
        const { reversible, irreversible } = plan(left, { ...down, stage })
        expect([reversible, irreversible]).toEqual([[], []])
      }
    }
  })
})

describe('waking', () => {
  const wakePolicy = { stableFor: 60_000, minimumCharge: 25, retryEvery: 30_000, giveUpAfter: 900_000 }
  const off = names.reduce((outage, name) => withNodeState(outage, name, 'off'), fresh)
  const down: Outage = { ...off, stage: 'stopped' }
  const wake = (outage: Outage) => planWake(inventory, outage, wakePolicy)
  const bringsBack = (outage: Outage) => stepsOf(wake(outage)).filter((step) => step.do === 'bring-back')
  const everything = ['bring back: bring back cp-1, bring back w-1, bring back w-2', 'log in: log in to ups']
  const nothingButCordons = ['uncordon: uncordon cp-1, uncordon w-1, uncordon w-2', 'log in: log in to ups']

  test.each<[string, Outage, string[]]>([
    ['brings back every node by itself, all in one phase', down, everything],
    ['does so after an outage that was cut short', { ...down, stage: 'stopping' }, everything],
    ['does so once more after it was itself cut short', { ...down, stage: 'waking' }, everything],
    ['asks for one that was never reached too', withNodeState(down, 'w-1', 'unreached'), everything],
    ['asks for one that was given up too', withNodeState(down, 'w-1', 'abandoned'), everything],
    [
      'leaves alone what was off before and what is back, save for our cordon',
      withNodeState({ ...down, nodes: { ...down.nodes, 'w-2': { wasUp: false, state: 'off' } } }, 'cp-1', 'back'),
      ['bring back: bring back w-1', 'uncordon: uncordon cp-1, uncordon w-2', 'log in: log in to ups'],
    ],
    [
      'takes only cordons away once all are back',
      { ...names.reduce((outage, name) => withNodeState(outage, name, 'back'), down), stage: 'waking' },
      nothingButCordons,
    ],
    ['takes only cordons away where nothing went down', fresh, nothingButCordons],
  ])('%s', (_, outage, phases) => {
    expect(outline(wake(outage))).toEqual(phases)
  })

  test('no node holds up another', () => {
    expect(wake(down).every(({ bestEffort }) => bestEffort)).toBe(true)
  })

  test('waits for the API server before it waits for workers, and knows who has no address to wake', () => {
    const limits = { ready: true, retryEvery: 30_000, within: 900_000 }
    expect(bringsBack(down)).toEqual([
      { do: 'bring-back', node: 'cp-1', mac: '00:1b:21:3a:4f:01', afterKubernetes: false, ...limits },
      { do: 'bring-back', node: 'w-1', mac: '00:1b:21:3a:4f:02', afterKubernetes: true, ...limits },
      { do: 'bring-back', node: 'w-2', mac: undefined, afterKubernetes: true, ...limits },
    ])
  })

  test('asks no more of a node than it was before: healthy, unless it is known to have been ill', () => {
    const nodes: Outage['nodes'] = {
      'cp-1': { wasUp: true, wasHealthy: true, state: 'off' },
      'w-1': { wasUp: true, wasHealthy: false, state: 'off' },
      'w-2': { wasUp: true, state: 'off' },
    }
    expect(bringsBack({ ...down, nodes }).map(({ node, ready }) => [node, ready])).toEqual([
      ['cp-1', true],
      ['w-1', false],
      ['w-2', true],
    ])
  })

  test('takes away only the cordons for the power', () => {
    const whys = stepsOf(wake(fresh)).flatMap((step) => (step.do === 'uncordon' ? [step.why] : []))
    expect(whys).toEqual(['power', 'power', 'power'])
  })
})
