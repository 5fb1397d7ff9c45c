import { describe, expect, test } from 'vitest'
import shutDownCluster from '../../jobs/shut-down-cluster.ts'
import type { Node } from '../../src/core/cluster/cluster.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Outage, OutageNode } from '../../src/core/power/outage.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { worker } from '../core/cluster/nodes.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { agentAt, at, heard, nas, outage, w1 } from '../operations/begun.ts'

// Whether there is anything to shut down, looked at before the lease is taken.

const machines = [w1, nas]
const second = 1_000
const config = (shutdownTimeout = 60 * second, server = '10.0.0.5') =>
  ({
    power: { deadTime: 15 * second, shutdownTimeout },
    upses: [
      { label: 'rack', host: server },
      { label: 'shelf', host: '10.0.0.5' },
      { label: 'new', host: '10.0.0.5' },
    ],
    hosts: [
      { name: 'pve', address: '10.0.0.6' },
      { name: 'nas', address: '10.0.0.5' },
    ],
  }) as unknown as JobContext['config']
const done = (changed: Partial<Outage> = {}, states: Readonly<Record<string, OutageNode['state']>> = {}) =>
  outage({ 'w-1': 'off', nas: 'off', ...states }, { stage: 'stopped', loggedOut: true, ...changed })

interface Case {
  readonly name: string
  readonly open?: Outage
  readonly power?: Power
  readonly nodes?: readonly Node[]
  readonly hostsUp?: readonly string[]
  readonly shutdownTimeout?: number
  /** Where upsd runs. */
  readonly server?: string
}

async function looks({
  open,
  power = heard(0),
  nodes = [],
  hostsUp = [],
  shutdownTimeout,
  server,
}: Omit<Case, 'name'>) {
  const agent = agentAt({ machines, power, nodes, hostsUp, ...(open ? { open } : {}) })
  agent.see()
  const outcome = await shutDownCluster.idle!({ ...agent.context, config: config(shutdownTimeout, server) })
  return { outcome, lines: agent.lines() }
}

describe('there is something to shut down', () => {
  test.each<Case>([
    { name: 'where nothing was begun' },
    { name: 'where it was begun only', open: done({ stage: 'stopping' }) },
    { name: 'where it is not logged out of the UPS', open: done({ loggedOut: undefined }) },
    { name: 'where a machine is up', open: done({}, { 'w-1': 'up' }) },
    { name: 'where a machine is drained only', open: done({}, { nas: 'drained' }) },
    { name: 'where a machine is being woken', open: done({}, { 'w-1': 'wake-sent' }) },
    { name: 'where a machine is back', open: done({}, { 'w-1': 'back' }) },
    { name: 'where a machine is not on record', open: outage({ nas: 'off' }, { stage: 'stopped', loggedOut: true }) },
    { name: 'where a node comes up', open: done(), nodes: [worker('w-1')] },
    { name: 'where a host comes up', open: done(), hostsUp: ['nas'] },
  ])('$name', async (one) => {
    expect((await looks(one)).outcome).toBeUndefined()
  })
})

describe('there is nothing to shut down', () => {
  test('where no UPS is critical', async () => {
    expect((await looks({ power: powerOf({ rack: 'on-battery' }) })).outcome).toEqual({
      kind: 'done',
      summary: 'no UPS is critical',
    })
  })

  test.each<OutageNode['state']>(['shutdown-sent', 'off', 'unreached', 'abandoned'])(
    'where the shutdown of each machine was requested: %s; it is looked at again soon',
    async (state) => {
      expect((await looks({ open: done({}, { 'w-1': state }) })).outcome).toEqual({
        kind: 'later',
        reason: 'shutdown requested for every machine; waiting for power to return',
        at: new Date(Date.parse(at) + 5 * second),
      })
    },
  )

  test('and is looked at again no later than machines take to stop', async () => {
    const { outcome } = await looks({ open: done(), shutdownTimeout: second })
    expect(outcome).toMatchObject({ at: new Date(Date.parse(at) + second) })
  })
})

describe('a UPS that nobody hears any more', () => {
  const blind = /^outage\.blind:rack: rack can't report when mains power is back, because its server went down with nas/
  test('is told, where its server went down with a host', async () => {
    const { lines } = await looks({ open: done(), power: heard(15 * second + 1) })
    expect(lines).toEqual([expect.stringMatching(blind)])
  })

  test.each<Case>([
    { name: 'while it answers', power: heard(15 * second) },
    { name: 'where its server is a host that still runs', server: '10.0.0.6' },
    { name: 'where its server is none of ours', server: '10.0.0.7' },
    {
      name: 'while it is not critical itself',
      power: powerOf({ rack: stateOf('low-battery', {}, 40_000, 100_000), shelf: stateOf('on-mains', {}, 1, 2) }),
    },
  ])('is not told $name', async ({ power = heard(60 * second), ...one }) => {
    expect((await looks({ open: done(), ...one, power })).lines).toEqual([])
  })
})
