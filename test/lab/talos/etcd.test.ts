import { describe, expect, test } from 'vitest'
import { all, failure } from './client.ts'
import type { TalosNode } from './node.ts'
import { createTalosNodes, install, until } from './nodes.ts'

const { makeControlPlanes, callsTo } = createTalosNodes()
const addresses = (from: number) => [from, from + 1, from + 2].map((host) => `127.0.46.${host}`)

describe('the data of etcd', () => {
  async function upgrade(nodes: readonly TalosNode[], node: TalosNode, version: string): Promise<void> {
    const calls = await callsTo(node)
    await install(calls, version)
    await calls.machine.reboot({})
    await until(nodes, () => node.version === version && nodes.every(({ ready }) => ready))
  }
  const status = async (node: TalosNode) =>
    (await (await callsTo(node)).machine.etcdStatus({})).messages[0]?.memberStatus

  test('are written for the oldest etcd, and for a newer one as soon as all run it', async () => {
    const { nodes, etcd } = await makeControlPlanes(addresses(11))
    expect(await status(nodes[0]!)).toMatchObject({ protocolVersion: '3.6.12', storageVersion: '3.6.0' })
    await upgrade(nodes, nodes[0]!, 'v1.14.0')
    await upgrade(nodes, nodes[1]!, 'v1.14.0')
    expect(await status(nodes[0]!)).toMatchObject({ protocolVersion: '3.7.1', storageVersion: '3.6.0' })
    // Until then there is a way back.
    await (await callsTo(nodes[1]!)).machine.rollback({})
    await until(nodes, () => nodes[1]!.ready && nodes[1]!.version === 'v1.13.9')
    await upgrade(nodes, nodes[1]!, 'v1.14.0')
    await upgrade(nodes, nodes[2]!, 'v1.14.0')
    expect(etcd.storageVersion).toBe('3.7.0')
    expect(await status(nodes[2]!)).toMatchObject({ storageVersion: '3.7.0' })
  })

  test('are refused by an older etcd, whose node is never ready again', async () => {
    const { nodes, etcd } = await makeControlPlanes(addresses(14))
    for (const node of nodes) await upgrade(nodes, node, 'v1.14.0')
    const back = nodes[2]!
    await (await callsTo(back)).machine.rollback({})
    await until(nodes, () => back.version === 'v1.13.9' && back.stage === 'running')
    expect(back.ready).toBe(false)
    expect(etcd.member('cp-3')).toMatchObject({ running: false, version: '3.6.12' })
    expect(etcd.storageVersion).toBe('3.7.0')
    const admin = await callsTo(back)
    const services = (await admin.machine.serviceList({})).messages[0]?.services
    expect(services?.find(({ id }) => id === 'etcd')).toMatchObject({ state: 'Failed' })
    expect((await failure(admin.machine.etcdStatus({}))).message).toContain('connection refused')
    expect(etcd.hasQuorum()).toBe(true)
    await admin.machine.rollback({})
    await until(nodes, () => back.ready && back.version === 'v1.14.0')
  })

  test('may be large, full, and carried out late', async () => {
    const { nodes, etcd } = await makeControlPlanes(addresses(17))
    etcd.dbSize = 2_147_483_648n
    etcd.setLag('cp-2', 5_000)
    etcd.setAlarm('cp-3', 'NOSPACE')
    expect(await status(nodes[0]!)).toMatchObject({ dbSize: 2_147_483_648n, raftAppliedIndex: etcd.raftIndex })
    expect(await status(nodes[1]!)).toMatchObject({
      raftIndex: etcd.raftIndex,
      raftAppliedIndex: etcd.raftIndex - 5_000n,
      errors: [expect.stringContaining('alarm:NOSPACE')],
    })
  })

  test('come as a snapshot that can break off or be damaged, once', async () => {
    const { nodes, etcd } = await makeControlPlanes(['127.0.46.20'])
    const admin = await callsTo(nodes[0]!)
    const take = async () => Buffer.concat((await all(admin.machine.etcdSnapshot({}))).map(({ bytes }) => bytes))
    const whole = etcd.snapshot()
    expect([whole.readUInt32LE(16), whole.length % 512]).toEqual([0xed0cdaed, 32])
    nodes[0]!.faults.snapshotDamaged = true
    const damaged = await take()
    expect([damaged.length, damaged.equals(whole)]).toEqual([whole.length, false])
    nodes[0]!.faults.snapshotBreaksOff = 'silently'
    expect((await take()).length).toBe(whole.length >> 1)
    nodes[0]!.faults.snapshotBreaksOff = 'with an error'
    expect((await failure(take())).message).toBe('error reading snapshot: unexpected EOF')
    expect((await take()).equals(whole)).toBe(true)
  })
})

test('a leader that forfeits has to have somebody to forfeit to', async () => {
  const { nodes } = await makeControlPlanes(['127.0.46.21'])
  const admin = await callsTo(nodes[0]!)
  expect((await failure(admin.machine.etcdForfeitLeadership({}))).message).toBe(
    'cannot forfeit leadership, only one member',
  )
})
