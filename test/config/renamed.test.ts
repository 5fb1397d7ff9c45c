import { describe, expect, test } from 'vitest'
import { parseWhole } from './whole.ts'

const before = `cluster: { talosconfig: talosconfig }
schematic: homelab
share: { directory: /srv/tftp }
`

/** Every error that the configuration has with these lines at its end, which start in the fourth line. */
function errorsOf(lines: string): string[] {
  try {
    parseWhole(`${before}${lines}`, 'c.yaml')
    return []
  } catch (error) {
    return (error as Error).message.split('\n')
  }
}

describe('a setting under its name of 0.1.0 is an error that names the new one', () => {
  test.each([
    ['power: { silence: 30s }', 'power.silence', 'power.deadTime'],
    ['power: { pollOnMains: 5s }', 'power.pollOnMains', 'power.pollInterval'],
    ['power: { pollOnBattery: 1s }', 'power.pollOnBattery', 'power.pollIntervalOnBattery'],
    ['power: { drain: 90s }', 'power.drain', 'power.drainTimeout'],
    ['power: { nodeStops: 60s }', 'power.nodeStops', 'power.shutdownTimeout'],
    ['power: { doubtedBatteryAfter: 15s }', 'power.doubtedBatteryAfter', 'power.unconfirmedLowBatteryAfter'],
    ['power: { maxDepletion: 15 }', 'power.maxDepletion', 'power.maxDischargeRate'],
    ['power: { wake: { stableFor: 60s } }', 'power.wake.stableFor', 'power.wake.stableAfter'],
    ['power: { wake: { retryEvery: 30s } }', 'power.wake.retryEvery', 'power.wake.retryInterval'],
    ['upgrade: { drain: 10m }', 'upgrade.drain', 'upgrade.drainTimeout'],
    ['upgrade: { install: 15m }', 'upgrade.install', 'upgrade.installTimeout'],
    ['upgrade: { reboot: 15m }', 'upgrade.reboot', 'upgrade.rebootTimeout'],
    ['upgrade: { checksWithin: 10m }', 'upgrade.checksWithin', 'upgrade.checksTimeout'],
    ['upgrade: { nodeTakes: 15m }', 'upgrade.nodeTakes', 'upgrade.nodeEstimate'],
    ['upgrade: { draining: { blockedFor: 30m } }', 'upgrade.draining.blockedFor', 'upgrade.draining.blockedTimeout'],
    ['upgrade: { draining: { tierWithin: 5m } }', 'upgrade.draining.tierWithin', 'upgrade.draining.tierTimeout'],
    [
      'upgrade: { draining: { volumesWithin: 5m } }',
      'upgrade.draining.volumesWithin',
      'upgrade.draining.volumeDetachTimeout',
    ],
    [
      'upgrade: { draining: { last: [{ selector: a=b, within: 5m }] } }',
      'upgrade.draining.last.0.within',
      'upgrade.draining.last.0.timeout',
    ],
  ])('%s', (line, old, now) => {
    const key = old.split('.').at(-1)!
    expect(errorsOf(`${line}\n`)).toEqual([`c.yaml:4:${line.lastIndexOf(`${key}:`) + 1}: ${old}: is now called ${now}`])
  })
})

test('a host and a feed are named with the machine that they belong to, and nothing is reported that follows from it', () => {
  expect(
    errorsOf(`upses: [{ host: nas, name: rack }, { host: nas, name: shelf }]
hosts:
  - name: nas
    address: 192.168.0.6
    shutdown: { http: { url: 'http://192.168.0.6/' } }
    within: 2m
    feed: { weights: { rack: 1, shelf: 1 }, atLeast: 1 }
`).toSorted(),
  ).toEqual([
    'c.yaml:10:13: hosts.0.feed.weights: is now called hosts.0.feed.powerValue',
    'c.yaml:10:45: hosts.0.feed.atLeast: is now called hosts.0.feed.minSupplies',
    'c.yaml:9:5: hosts.0.within: is now called hosts.0.shutdownTimeout',
  ])
})

test('other errors are reported beside an old name', () => {
  expect(errorsOf('power: { silence: 30s, reserve: soon, drains: 1s }\n')).toEqual([
    'c.yaml:4:10: power.silence: is now called power.deadTime',
    'c.yaml:4:33: power.reserve: use a duration such as 30s, 10m, 2h or 7d',
    'c.yaml:4:39: power.drains: is not a setting',
  ])
})
