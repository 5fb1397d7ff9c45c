import { describe, expect, test } from 'vitest'
import { differences, planChange } from '../../src/config/change.ts'
import { parseConfig } from '../../src/config/config.ts'

const base = {
  nodes: [
    { name: 'cp-1', role: 'controlplane', address: '10.0.0.1' },
    { name: 'w-1', role: 'worker', address: '10.0.0.2' },
  ],
  schematic: 'homelab',
  share: { directory: 'share' },
  upses: [
    { label: 'rack', host: '10.0.0.6' },
    { label: 'shelf', host: '10.0.0.7' },
  ],
  power: { feed: { any: ['rack'] } },
}
const configOf = (changed: object = {}) => parseConfig(JSON.stringify({ ...base, ...changed }), 'c.yaml')

/** What an edit of the first configuration comes to, so long as it is the only one. */
function edited(changed: object) {
  const atStart = configOf()
  return planChange(configOf(changed), { atStart, before: atStart, sections: [] })
}

describe('an edit of the configuration', () => {
  test('of upgrades, the power and storage counts at once', () => {
    const { config, applied, pending } = edited({
      upgrade: { soak: '1d', skip: ['v1.14.0'] },
      power: { ...base.power, maxOnBattery: '5m' },
      storage: { accept: [{ name: 'OSD_NEARFULL', until: '2030-01-01' }] },
    })
    expect(config.upgrade.soak).toBe(86_400_000)
    expect(config.power.maxOnBattery).toBe(300_000)
    expect(config.storage.accept).toHaveLength(1)
    expect(applied).toEqual(['upgrade.skip', 'upgrade.soak', 'power.maxOnBattery', 'storage.accept'])
    expect(pending).toEqual([])
  })

  test('that takes machines away leaves the runtime that a shutdown of those from the start needs', () => {
    const atStart = configOf()
    const { config, pending } = edited({ nodes: base.nodes.slice(0, 1), power: { ...base.power, reserve: '90s' } })
    expect(pending).toEqual(['nodes'])
    expect(config.power.minimumRuntime).toBe(atStart.power.minimumRuntime + 30_000)
    expect(configOf({ nodes: base.nodes.slice(0, 1) }).power.minimumRuntime).toBeLessThan(atStart.power.minimumRuntime)
    expect(edited({ power: { ...base.power, minimumRuntime: '7m' } }).config.power.minimumRuntime).toBe(420_000)
  })

  test('that makes a node of it the canary keeps the canary until the restart', () => {
    const nodes = [...base.nodes, { name: 'w-2', role: 'worker', address: '10.0.0.3' }]
    const { config, pending } = edited({ nodes, upgrade: { canary: { node: 'w-2', watch: '1h' }, soak: '1d' } })
    expect(pending).toEqual(['nodes', 'upgrade.canary'])
    expect(config.upgrade.canary).toBeUndefined()
    expect(config.upgrade.soak).toBe(86_400_000)
    expect(edited({ upgrade: { canary: { node: 'w-1', watch: '1h' } } }).config.upgrade.canary?.node).toBe('w-1')
  })

  test('of anything else takes a restart, and names each setting; until then it is as at the start', () => {
    const [first, second] = base.nodes
    const { config, applied, pending } = edited({
      nodes: [first, { ...second, address: '10.0.0.9' }],
      hosts: [{ name: 'nas', address: '10.0.0.6', shutdown: { http: { url: 'http://10.0.0.6/off' } } }],
      share: { directory: 'share', keep: 3 },
      power: { ...base.power, reserve: '30s' },
    })
    expect(pending.toSorted()).toEqual(['hosts', 'nodes.1.address', 'share.keep'])
    expect(config).toMatchObject({ nodes: [{}, { address: '10.0.0.2' }], hosts: [], share: { keep: 2 } })
    expect(applied).toContain('power.reserve')
  })

  test('of the feed of all machines takes a restart, and is named once and not for each machine', () => {
    const { config, applied, pending } = edited({ power: { feed: { all: ['rack', 'shelf'] } } })
    expect(pending).toEqual(['power.feed'])
    expect(config.power.feed).toEqual({ powerValue: { rack: 1 }, minSupplies: 1 })
    expect(config.nodes[0]?.feed).toEqual({ powerValue: { rack: 1 }, minSupplies: 1 })
    expect(applied).toEqual([])
  })

  test('that is taken back leaves nothing to restart for', () => {
    const atStart = configOf()
    const { config } = planChange(configOf({ schematic: 'gpu', upgrade: { soak: '1d' } }), {
      atStart,
      before: atStart,
      sections: [],
    })
    expect(planChange(configOf(), { atStart, before: config, sections: [] })).toMatchObject({
      config: atStart,
      applied: ['upgrade.soak'],
      pending: [],
    })
  })
})

test.each([
  { a: { x: 1, y: { z: [1, 2] } }, b: { x: 1, y: { z: [1, 3] } }, paths: ['y.z.1'] },
  { a: { list: [1] }, b: { list: [1, 2] }, paths: ['list'] },
  { a: { x: 1 }, b: { y: 1 }, paths: ['x', 'y'] },
  { a: { x: { y: 1 } }, b: { x: 2 }, paths: ['x'] },
  { a: { x: new Date(0) }, b: { x: new Date(0) }, paths: [] },
])('the difference between $a and $b is $paths', ({ a, b, paths }) => {
  expect(differences(a, b)).toEqual(paths)
})
