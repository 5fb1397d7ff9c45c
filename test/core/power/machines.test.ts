import { describe, expect, test } from 'vitest'
import type { Feed, Power } from '../../../src/core/power/feeds.ts'
import { failingMachines, machinesOf, type MachineSettings, tiers } from '../../../src/core/power/machines.ts'
import { powerOf } from './states.ts'

const feed = (...upses: string[]): Feed => ({
  powerValue: Object.fromEntries(upses.map((ups) => [ups, 1])),
  minSupplies: upses.length,
})
const settings: MachineSettings = {
  nodes: [
    { name: 'w-1', role: 'worker', storage: false, mac: '00:1b:21:3a:4f:01', feed: feed('a') },
    { name: 's-1', role: 'worker', storage: true, feed: feed('a', 'b') },
    { name: 'cp-1', role: 'controlplane', storage: false, wake: { powerOnAfter: 60_000 } },
    { name: 'cp-2', role: 'controlplane', storage: true, wake: { powerOn: { url: 'x' }, powerOnAfter: 60_000 } },
  ],
  hosts: [
    { name: 'nas-1', nas: true, shutdownTimeout: 180_000, feed: feed('b') },
    { name: 'pve-1', nas: false, shutdownTimeout: 120_000 },
  ],
  power: { shutdownTimeout: 45_000 },
}

test('machines go down in tiers: workers, storage, control planes even with storage, hosts, the NAS', () => {
  expect(machinesOf(settings).map(({ name, kind, tier }) => [name, kind, tier])).toEqual([
    ['w-1', 'node', 'workers'],
    ['s-1', 'node', 'storage-nodes'],
    ['cp-1', 'node', 'control-planes'],
    ['cp-2', 'node', 'control-planes'],
    ['nas-1', 'host', 'nas'],
    ['pve-1', 'host', 'hosts'],
  ])
  expect(tiers).toEqual(['workers', 'storage-nodes', 'control-planes', 'hosts', 'nas', 'own-machine'])
})

test('the machine that we run on goes last, whatever else it is', () => {
  for (const name of ['w-1', 'cp-1', 'nas-1', 'pve-1'])
    expect(machinesOf(settings, name).flatMap((one) => (one.tier === 'own-machine' ? [one.name] : []))).toEqual([name])
  expect(machinesOf(settings, 'elsewhere').some(({ tier }) => tier === 'own-machine')).toBe(false)
})

test('a node stops in the time of all nodes, and a host in its own', () => {
  expect(machinesOf(settings).map(({ name, stops }) => [name, stops])).toEqual([
    ['w-1', 45_000],
    ['s-1', 45_000],
    ['cp-1', 45_000],
    ['cp-2', 45_000],
    ['nas-1', 180_000],
    ['pve-1', 120_000],
  ])
})

test('only what has an address is woken by a packet, and only what has a way by something else', () => {
  expect(
    machinesOf(settings)
      .map(({ name, hasMac, powerOnAfter }) => [name, hasMac, powerOnAfter])
      .slice(0, 4),
  ).toEqual([
    ['w-1', true, undefined],
    ['s-1', false, undefined],
    ['cp-1', false, undefined],
    ['cp-2', false, 60_000],
  ])
})

describe('with two UPSes', () => {
  const machines = machinesOf(settings)
  const failing = (power: Power) =>
    failingMachines(machines, power).map(({ machine, reason }) => [machine.name, reason])

  test('those that hang on the one that fails are about to lose their power', () => {
    expect(failing(powerOf({ a: 'low-battery', b: 'on-mains' }))).toEqual([
      ['w-1', 'low-battery'],
      ['s-1', 'low-battery'],
    ])
    expect(failing(powerOf({ a: 'on-mains', b: 'low-runtime' }))).toEqual([
      ['s-1', 'low-runtime'],
      ['nas-1', 'low-runtime'],
    ])
    expect(failing(powerOf({ a: 'on-battery', b: 'unknown' }))).toEqual([])
  })

  test('an order takes all of them down, those on no UPS too', () => {
    const ordered = { ...powerOf({ a: 'on-mains', b: 'on-mains' }), ordered: '2026-03-01T02:00:00.000Z' }
    expect(failing(ordered)).toEqual(machines.map(({ name }) => [name, 'ordered']))
  })
})
