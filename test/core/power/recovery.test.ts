import { describe, expect, test } from 'vitest'
import { type Outage, withNodeState } from '../../../src/core/power/outage.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { planWake } from '../../../src/core/power/recovery.ts'
import { busy, machineOf, outline, recordOf, wakePolicy as policy } from './shutdowns.ts'

const machines = [
  machineOf('cp-1', 'control-planes'),
  machineOf('s-1', 'storage-nodes'),
  machineOf('w-1', 'workers', 60_000, { hasMac: false, powerOnAfter: 120_000 }),
  machineOf('pve-1', 'hosts'),
  machineOf('nas-1', 'nas'),
]
const names = machines.map(({ name }) => name)
const fresh = recordOf(machines)
const down: Outage = { ...names.reduce((one, name) => withNodeState(one, name, 'off'), fresh), stage: 'stopped' }

function wake(outage: Outage, powered: readonly string[] = names, upses: readonly string[] = ['rack']): Plan {
  return planWake({ machines, outage, powered: new Set(powered), upses }, policy)
}
const stepsOf = (plan: Plan) => plan.flatMap(({ steps }) => steps)
const everything = [
  'wake-nas: wake nas-1',
  'wake-machines: wake cp-1, wake s-1, wake w-1, wake pve-1',
  'log-in: log in to rack',
]
const nothingButCordons = ['uncordon: uncordon cp-1, uncordon s-1, uncordon w-1', 'log-in: log in to rack']
const put = (outage: Outage, name: string, node: Outage['nodes'][string]): Outage => ({
  ...outage,
  nodes: { ...outage.nodes, [name]: node },
})

describe('waking', () => {
  test.each<{ name: string; outage: Outage; phases: string[] }>([
    {
      name: 'brings back the NAS, and then every machine by itself, all in one phase',
      outage: down,
      phases: everything,
    },
    { name: 'does so after an outage that was cut short', outage: { ...down, stage: 'stopping' }, phases: everything },
    {
      name: 'does so once more after it was itself cut short',
      outage: { ...down, stage: 'waking' },
      phases: everything,
    },
    {
      name: 'asks for one that was never reached too',
      outage: withNodeState(down, 'w-1', 'unreached'),
      phases: everything,
    },
    { name: 'asks for one that was given up too', outage: withNodeState(down, 'w-1', 'abandoned'), phases: everything },
    {
      name: 'asks for one that was told and then not looked at',
      outage: { ...withNodeState(down, 'w-1', 'shutdown-sent') },
      phases: everything,
    },
    {
      name: 'asks again for one that did not come',
      outage: withNodeState(down, 'w-1', 'wake-sent'),
      phases: everything,
    },
    {
      name: 'leaves alone what was off before and what is back, save for our cordon',
      outage: put(put(withNodeState(down, 'cp-1', 'back'), 's-1', { wasUp: false, state: 'off' }), 'nas-1', {
        wasUp: false,
        state: 'off',
      }),
      phases: [
        'wake-machines: wake w-1, wake pve-1',
        'uncordon: uncordon cp-1, uncordon s-1',
        'log-in: log in to rack',
      ],
    },
    {
      name: 'takes only cordons away once all are back',
      outage: { ...names.reduce((one, name) => withNodeState(one, name, 'back'), down), stage: 'waking' },
      phases: nothingButCordons,
    },
    { name: 'takes only cordons away where nothing went down', outage: fresh, phases: nothingButCordons },
    {
      name: 'takes away the cordons of those alone that were losing their power',
      outage: { ...fresh, nodes: { 'w-1': fresh.nodes['w-1']! } },
      phases: ['uncordon: uncordon w-1', 'log-in: log in to rack'],
    },
    {
      name: 'takes no cordon away where workloads alone were scaled down',
      outage: { ...fresh, stage: 'shedding' },
      phases: ['log-in: log in to rack'],
    },
  ])('$name', ({ outage, phases }) => {
    expect(outline(wake(outage))).toEqual(phases)
  })

  test('no machine holds up another, and no phase the next', () => {
    expect(wake({ ...down, ...busy }).every(({ bestEffort }) => bestEffort)).toBe(true)
  })

  test('nodes that are no control planes wait for the API server, and each is woken by what can wake it', () => {
    const packets = { hasMac: true, powerOnAfter: undefined, retryInterval: 30_000, within: 900_000 }
    expect(stepsOf(wake(down)).slice(0, 5)).toEqual([
      { do: 'bring-back-host', host: 'nas-1', ...packets },
      { do: 'bring-back', node: 'cp-1', afterKubernetes: false, ready: true, ...packets },
      { do: 'bring-back', node: 's-1', afterKubernetes: true, ready: true, ...packets },
      {
        ...packets,
        do: 'bring-back',
        node: 'w-1',
        afterKubernetes: true,
        ready: true,
        hasMac: false,
        powerOnAfter: 120_000,
      },
      { do: 'bring-back-host', host: 'pve-1', ...packets },
    ])
  })

  test('asks no more of a node than it was before: healthy, unless it is known to have been ill', () => {
    const healthy = put(down, 'cp-1', { wasUp: true, wasHealthy: true, state: 'off' })
    const each = stepsOf(wake(put(healthy, 'w-1', { wasUp: true, wasHealthy: false, state: 'off' })))
    expect(each.flatMap((step) => (step.do === 'bring-back' ? [[step.node, step.ready]] : []))).toEqual([
      ['cp-1', true],
      ['s-1', true],
      ['w-1', false],
    ])
  })

  test('a host that may still be on its way down gets twice its time to get there, and no other', () => {
    const states = ['off', 'unreached', 'wake-sent', 'shutdown-sent', 'abandoned'] as const
    const waits = states.map((state) => {
      const [step] = stepsOf(wake(withNodeState(down, 'nas-1', state)))
      return step?.do === 'bring-back-host' ? [state, step.stopsWithin] : undefined
    })
    expect(waits).toEqual([
      ['off', undefined],
      ['unreached', undefined],
      ['wake-sent', undefined],
      ['shutdown-sent', 2 * machines[4]!.stops],
      ['abandoned', 2 * machines[4]!.stops],
    ])
  })

  test('every part of it is left when the power changes once more', () => {
    const plans = [wake({ ...down, ...busy }), wake({ ...fresh, ...busy })].flat()
    expect(new Set(plans.map(({ id }) => id)).size).toBe(7)
    expect(plans.filter(({ stops }) => stops.join() !== 'power-change')).toEqual([])
  })

  test('takes away only the cordons for the power', () => {
    const whys = stepsOf(wake(fresh)).flatMap((step) => (step.do === 'uncordon' ? [step.why] : []))
    expect(whys).toEqual(['power', 'power', 'power'])
  })

  test('logs in to every UPS again, and does nothing of the kind where there is none', () => {
    expect(outline(wake(down, names, ['rack', 'desk'])).at(-1)).toBe('log-in: log in to rack, log in to desk')
    expect(outline(wake(fresh, names, []))).toEqual(nothingButCordons.slice(0, 1))
  })
})

describe('workloads and storage', () => {
  const undone = [
    'await-storage: wait until storage is healthy',
    'scale-up: scale apps/batch to 3',
    'await-storage: wait until storage is healthy',
    'restore-storage-flags: set ceph noout to unset',
  ]

  test('are as they were when all are back: first data are whole, then workloads run', () => {
    expect(outline(wake({ ...down, ...busy }))).toEqual([...everything, ...undone])
  })

  const ceph = (name: string) =>
    ({ system: 'ceph', namespace: 'rook-ceph', name, before: 'unset', during: 'set' }) as const
  const longhorn = (name: string, before: string, during: string) =>
    ({ system: 'longhorn', namespace: 'longhorn-system', name, before, during }) as const
  const all = [
    ceph('noout'),
    ceph('nobackfill'),
    ceph('norecover'),
    ceph('norebalance'),
    longhorn('node-drain-policy', 'block-for-eviction', 'always-allow'),
    longhorn('replica-replenishment-wait-interval', '600', '3600'),
    longhorn('concurrent-replica-rebuild-per-node-limit', '5', '0'),
  ]
  const orderOf = (plan: Plan) =>
    plan.flatMap(({ steps }) =>
      steps.flatMap((step) =>
        step.do === 'set-storage'
          ? [`${step.setting.name}=${step.value}`]
          : step.do === 'await-storage'
            ? ['wait']
            : [],
      ),
    )

  test('what keeps data from becoming whole goes at once, and what keeps them from being moved about when they are whole', () => {
    expect(orderOf(wake({ ...down, storage: all }))).toEqual([
      'nobackfill=unset',
      'norecover=unset',
      'concurrent-replica-rebuild-per-node-limit=5',
      'wait',
      'wait',
      'noout=unset',
      'norebalance=unset',
      'node-drain-policy=block-for-eviction',
      'replica-replenishment-wait-interval=600',
    ])
  })

  test('workloads are kept waiting for some minutes alone, and flags for longer', () => {
    const waits = stepsOf(wake({ ...down, storage: all })).filter((step) => step.do === 'await-storage')
    expect(waits.map(({ within }) => within)).toEqual([300_000, 1_500_000])
  })

  test('workloads get half of the time where that for flags is short', () => {
    const situation = { machines, outage: { ...down, storage: all }, powered: new Set(names), upses: [] }
    const waits = stepsOf(planWake(situation, { ...policy, storageTimeout: 240_000 })).flatMap((step) =>
      step.do === 'await-storage' ? [step.within] : [],
    )
    expect(waits).toEqual([120_000, 120_000])
  })

  test('what keeps data from becoming whole goes in a phase of its own', () => {
    expect(wake({ ...down, storage: all }).map(({ id }) => id)).toEqual([
      'wake-nas',
      'wake-machines',
      'allow-repair',
      'log-in',
      'await-storage',
      'await-storage',
      'restore-storage-flags',
    ])
  })

  test('storage that was given up is waited for no longer: what is still set is put back at once', () => {
    expect(orderOf(wake({ ...down, storage: all, storageGivenUp: true }))).toEqual(
      all.map(({ name, before }) => `${name}=${before}`),
    )
  })

  test('what is accepted of storage is not waited for', () => {
    const storage = [{ system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' }] as const
    const acceptedStorage = [{ name: 'OSD_NEARFULL', until: 1 }]
    const situation = { machines, outage: { ...down, storage }, powered: new Set(names), upses: [] }
    const plan = planWake(situation, { ...policy, acceptedStorage })
    expect(stepsOf(plan)).toContainEqual({ do: 'await-storage', within: 300_000, accepted: acceptedStorage })
    expect(stepsOf(planWake(situation, policy))).toContainEqual({ do: 'await-storage', within: 300_000 })
  })

  test('are not waited for where nothing went down', () => {
    const phases = [...nothingButCordons, undone[1], undone[3]]
    expect(outline(wake({ ...fresh, ...busy }))).toEqual(phases)
  })

  test('are not waited for where no setting was changed', () => {
    expect(outline(wake({ ...down, scaled: busy.scaled!, storage: [] })).join()).not.toContain('await-storage')
  })

  test('stay while a machine of this outage has no power yet, and do not wait for one that is not in it', () => {
    const without = names.filter((name) => name !== 's-1')
    const { 's-1': _, ...others } = down.nodes
    const partly = outline(wake({ ...down, ...busy }, without)).join()
    expect(partly).not.toMatch(/noout|batch|await-storage/)
    expect(outline(wake({ ...down, ...busy, nodes: others }, without)).join()).toMatch(
      /await-storage.*batch.*await-storage.*noout/,
    )
  })
})

test('what has no power is left as it is: neither woken nor uncordoned', () => {
  expect(outline(wake(down, ['cp-1', 'nas-1']))).toEqual([
    'wake-nas: wake nas-1',
    'wake-machines: wake cp-1',
    'log-in: log in to rack',
  ])
  expect(outline(wake(fresh, ['w-1']))).toEqual(['uncordon: uncordon w-1', 'log-in: log in to rack'])
})

test('nodes that are on record are uncordoned, and none where workloads alone were scaled down', () => {
  const { 'w-1': _, ...known } = fresh.nodes
  const ofTwo = 'uncordon: uncordon cp-1, uncordon s-1'
  expect(outline(wake({ ...fresh, nodes: known }))).toContain(ofTwo)
  expect(outline(wake({ ...fresh, reason: 'restored', nodes: known }))).toContain(ofTwo)
  expect(outline(wake({ ...fresh, stage: 'shedding' })).join()).not.toContain('uncordon')
})
