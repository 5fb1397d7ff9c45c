import { describe, expect, test } from 'vitest'
import { parseWhole as parseConfig } from './whole.ts'
import { smallest, faultsOf } from './faults-of.ts'

const twoUpses = `${smallest}upses: [{ host: nas, label: rack }, { host: nas, name: other, label: shelf }]\n`
const withFeed = (feed: string) => twoUpses.replace('role: controlplane', `role: controlplane, feed: ${feed}`)

describe('what a machine hangs on', () => {
  test.each<[string, object]>([
    ['{ any: [rack, shelf] }', { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 }],
    ['{ all: [rack, shelf] }', { powerValue: { rack: 1, shelf: 1 }, minSupplies: 2 }],
    ['{ all: [rack, rack] }', { powerValue: { rack: 1 }, minSupplies: 1 }],
    ['{ powerValue: { rack: 2, shelf: 1 }, minSupplies: 2 }', { powerValue: { rack: 2, shelf: 1 }, minSupplies: 2 }],
  ])('%s is %j', (feed, expected) => {
    expect(parseConfig(withFeed(feed), 'c.yaml').nodes[0]?.feed).toEqual(expected)
  })

  test('is the one UPS where there is one, and nothing where there is none', () => {
    const one = parseConfig(`${smallest}upses: [{ host: nas, name: My_UPS }]\n`, 'c.yaml')
    expect(one.nodes[0]?.feed).toEqual({ powerValue: { 'my-ups': 1 }, minSupplies: 1 })
    expect(parseConfig(smallest, 'c.yaml').nodes[0]?.feed).toBeUndefined()
  })

  test('is that of all, unless a machine has its own', () => {
    const both = parseConfig(`${twoUpses}power: { feed: { any: [rack, shelf] } }\n`, 'c.yaml')
    expect(both.nodes[0]?.feed).toEqual({ powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 })
  })

  test.each<[string, string]>([
    [twoUpses, 'nodes.0.feed: there are several UPSes: set feed here, or power.feed for all machines'],
    [withFeed('{ any: [attic] }'), 'nodes.0.feed: there is no UPS attic; there are rack and shelf'],
    [
      withFeed('{ all: [attic, rack, cellar, shelves] }'),
      'nodes.0.feed: there are no UPSes attic, cellar and shelves; there are rack and shelf',
    ],
    [
      withFeed('{ powerValue: { attic: 1, cellar: 1 }, minSupplies: 1 }'),
      'nodes.0.feed: there are no UPSes attic and cellar; there are rack and shelf',
    ],
    [
      `${smallest}upses: [{ host: nas, label: rack }]\npower: { feed: { any: [desk] } }\n`,
      'power.feed: there is no UPS desk; there is rack',
    ],
    [`${smallest}power: { feed: { any: [desk] } }\n`, 'power.feed: there is no UPS desk; there are none'],
    [
      withFeed('{ powerValue: { rack: 1 }, minSupplies: 2 }'),
      'nodes.0.feed.minSupplies: the power values add up to only 1',
    ],
    [
      withFeed('rack'),
      'nodes.0.feed: use {any: [UPS, …]}, {all: [UPS, …]} or {powerValue: {UPS: N, …}, minSupplies: N}',
    ],
    [
      `${smallest}upses: [{ host: a }, { host: b }]\npower: { feed: { any: [ups] } }\n`,
      'upses.1.label: another UPS is called ups: give this one another label',
    ],
    [
      `${smallest}upses: [{ host: nas, cutPower: { verified: true } }]\n`,
      'upses.0.cutPower: needs a user and a password',
    ],
    [
      `${smallest}power: { ignoreLowBattery: true, maxOnBattery: never }\n`,
      'power.maxOnBattery: needs a duration with ignoreLowBattery: nothing else is sure to start a shutdown',
    ],
    [
      `${smallest}hosts: [{ name: nas, address: 10.0.0.6, shutdown: { ssh: { user: -oProxyCommand, key: k, knownHosts: h } } }]\n`,
      'hosts.0.shutdown.ssh.user: use a user name',
    ],
    [
      `${smallest}hosts: [{ name: cp-1, address: 10.0.0.6, shutdown: { http: { url: 'http://a/b' } } }]\n`,
      'hosts.0.name: another machine has this name',
    ],
  ])('that is wrong is named: %s', (text, fault) => {
    expect(faultsOf(text).map((line) => line.replace(/^c\.yaml:\d+:\d+: /, ''))).toContain(fault)
  })
})
