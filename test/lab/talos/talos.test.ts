import { createHash } from 'node:crypto'
import { connect, constants } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { Code, createClient, type CallOptions } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { MachineService } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { createAuthority } from '../authority.ts'
import { all, failure } from './client.ts'
import { createTalosNodes, first, imageOf, spec, system, until } from './nodes.ts'

const lab = createTalosNodes()
const { bootWorker, makeControlPlanes, callsTo } = lab

describe('who may call a Talos node', () => {
  test('a client without a certificate of the same authority is not let in', async () => {
    const node = await bootWorker({ address: '127.0.40.1' })
    const stranger = await createAuthority('stranger')
    const { cert, key } = await stranger.issueClient({ common: 'x', organizations: ['os:admin'] })
    const none = { ca: lab.authority.ca }
    const server = await lab.authority.issueServer({ common: 'x' })
    for (const tls of [none, { ...none, cert, key }, { ...none, ...server }]) {
      const baseUrl = `https://${node.address}:${node.port}`
      const session = new Http2SessionManager(baseUrl, {}, tls)
      lab.stack.defer(() => session.abort())
      const machine = createClient(MachineService, createGrpcTransport({ baseUrl, sessionManager: session }))
      // What connect-node calls a handshake that fails, and a connection that ends after it.
      expect([Code.Internal, Code.Canceled]).toContain((await failure(machine.version({}))).code)
    }
  })

  test('a client that pings all the time is sent away', async () => {
    const node = await bootWorker({ address: '127.0.40.9' })
    const identity = await lab.authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const session = connect(`https://${node.address}:${node.port}`, { ca: lab.authority.ca, ...identity })
    lab.stack.defer(() => session.destroy())
    session.on('error', () => {})
    const code = new Promise<number>((resolve) => session.once('goaway', resolve))
    session.once('connect', () => {
      for (let count = 0; count < 4; count++) session.ping(() => {})
    })
    expect(await code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  })

  test('a role decides what may be called, and refused changes are noted too', async () => {
    const node = await bootWorker({ address: '127.0.40.2' })
    const denied = { code: Code.PermissionDenied, message: 'not authorized' }
    const reader = await callsTo(node, ['os:reader'])
    expect((await reader.machine.version({})).messages[0]?.version?.tag).toBe('v1.13.9')
    expect(await failure(reader.machine.reboot({}))).toEqual(denied)
    expect(await failure(all(reader.machine.read({ path: '/proc/sys/kernel/random/boot_id' })))).toEqual(denied)
    const configs = { namespace: 'config', type: 'MachineConfigs.config.talos.dev', id: 'v1alpha1' }
    expect(await failure(reader.state.get(configs))).toEqual(denied)
    const operator = await callsTo(node, ['os:operator'])
    await all(operator.image.pull({ containerd: system, imageRef: imageOf('v1.13.9') }))
    expect(await failure(operator.machine.upgrade({ image: imageOf('v1.13.9') }))).toEqual(denied)
    expect(await failure(all(operator.lifecycle.upgrade({})))).toEqual(denied)
    const backup = await callsTo(node, ['os:etcd:backup'])
    expect(await failure(backup.machine.version({}))).toEqual(denied)
    expect(node.calls.map(({ method, by }) => [method, ...by])).toEqual([
      ['MachineService.Reboot', 'os:reader'],
      ['ImageService.Pull', 'os:operator'],
      ['MachineService.Upgrade', 'os:operator'],
      ['LifecycleService.Upgrade', 'os:operator'],
    ])
  })

  test('a control plane sends a call on to the node it names, with its roles; a worker does not', async () => {
    const { nodes } = await makeControlPlanes(['127.0.40.3'])
    const worker = await bootWorker({ address: '127.0.40.4' })
    const admin = await callsTo(nodes[0]!)
    const to = (node: string): CallOptions => ({ headers: { node } })
    const stat = { namespace: 'k8s', type: 'Nodenames.kubernetes.talos.dev', id: 'nodename' }
    expect((await admin.state.get(stat, to(worker.address))).resource?.spec?.yamlSpec).toContain('nodename: w-1')
    expect((await admin.state.get(stat, to(nodes[0]!.address))).resource?.spec?.yamlSpec).toContain('nodename: cp-1')
    expect((await all(admin.state.list(stat, to(worker.address)))).length).toBe(1)
    expect((await failure(admin.machine.etcdStatus({}, to(worker.address)))).code).toBe(Code.Unimplemented)
    const reader = await callsTo(nodes[0]!, ['os:reader'])
    expect((await failure(reader.machine.reboot({}, to(worker.address)))).message).toBe('not authorized')
    expect(worker.calls).toMatchObject([{ method: 'MachineService.Reboot', by: ['os:reader'] }])
    const direct = await callsTo(worker)
    expect(await failure(direct.machine.version({}, to('127.0.40.3')))).toEqual({
      code: Code.PermissionDenied,
      message: 'no request forwarding',
    })
    worker.cutPower()
    expect((await failure(admin.machine.version({}, to(worker.address)))).code).toBe(Code.Unavailable)
  })
})

describe('what a Talos node says of itself', () => {
  test('its resources, as YAML with the real names', async () => {
    const node = await bootWorker({
      address: '127.0.40.5',
      version: 'v1.14.0',
      extensions: [{ name: 'iscsi-tools', version: 'v0.2.0' }],
    })
    const admin = await callsTo(node)
    const runtime = (type: string, id: string) => spec(admin, 'runtime', type, id)
    expect(await runtime('MachineStatuses.runtime.talos.dev', 'machine')).toEqual({
      stage: 'running',
      status: { ready: true, unmetConditions: [] },
    })
    expect(await runtime('BootIDs.runtime.talos.dev', 'boot-id')).toEqual({ bootID: node.bootId })
    expect(await runtime('Versions.runtime.talos.dev', 'version')).toEqual({ version: 'v1.14.0', name: 'Talos' })
    expect(await runtime('ImageFactorySchematics.runtime.talos.dev', 'image-factory-schematic')).toMatchObject({
      schematicId: first,
    })
    expect(await spec(admin, 'config', 'MachineTypes.config.talos.dev', 'machine-type')).toBe('worker')
    const layers = await all(admin.state.list({ namespace: 'runtime', type: 'ExtensionStatuses.runtime.talos.dev' }))
    const found = layers.map(({ resource }) => parse(resource?.spec?.yamlSpec ?? ''))
    expect(found.map(({ metadata }) => [metadata.name, metadata.version])).toEqual([
      ['iscsi-tools', 'v0.2.0'],
      ['schematic', first],
    ])
    expect(parse(found[1].metadata.extraInfo).customization.systemExtensions.officialExtensions).toEqual([
      'siderolabs/iscsi-tools',
    ])
    expect(await failure(runtime('MetaKeys.runtime.talos.dev', '0x06'))).toEqual({
      code: Code.NotFound,
      message: `resource MetaKeys.runtime.talos.dev(runtime/0x06@undefined) doesn't exist`,
    })
    expect((await failure(runtime('Made.up', 'x'))).message).toBe('resource type "Made.up" is not supported')
  })

  test('a 1.12 node has no boot id resource, no lifecycle and no image service', async () => {
    const node = await bootWorker({ address: '127.0.40.6', version: 'v1.12.11' })
    const admin = await callsTo(node)
    expect((await failure(spec(admin, 'runtime', 'BootIDs.runtime.talos.dev', 'boot-id'))).code).toBe(
      Code.PermissionDenied,
    )
    expect(await failure(all(admin.lifecycle.upgrade({})))).toEqual({
      code: Code.Unimplemented,
      message: 'unknown service machine.LifecycleService',
    })
    expect((await failure(all(admin.image.pull({})))).code).toBe(Code.Unimplemented)
    const read = await all(admin.machine.read({ path: '/proc/sys/kernel/random/boot_id' }))
    expect(Buffer.from(read[0]?.bytes ?? []).toString()).toBe(`${node.bootId}\n`)
    const booted = Number((await admin.machine.systemStat({})).messages[0]?.bootTime)
    expect(Math.abs(booted - Date.now() / 1000)).toBeLessThan(60)
  })

  test('a worker has no etcd and no kubeconfig; a control plane has both', async () => {
    const worker = await callsTo(await bootWorker({ address: '127.0.40.7' }))
    for (const [call, api] of [
      [worker.machine.etcdStatus({}), 'etcd status'],
      [worker.machine.etcdMemberList({}), 'member list'],
      [worker.machine.etcdAlarmList({}), 'etcd alarm list'],
      [worker.machine.etcdForfeitLeadership({}), 'etcd forfeit leadership'],
      [all(worker.machine.etcdSnapshot({})), 'etcd snapshot'],
      [all(worker.machine.kubeconfig({})), 'kubeconfig'],
    ] as const)
      expect(await failure(call)).toEqual({
        code: Code.Unimplemented,
        message: `${api} is only available on control plane nodes`,
      })
    const { nodes, etcd } = await makeControlPlanes(['127.0.40.8'], { kubeconfig: () => 'apiVersion: v1\n' })
    const admin = await callsTo(nodes[0]!)
    const [archive] = await all(admin.machine.kubeconfig({}))
    expect(gunzipSync(archive?.bytes ?? new Uint8Array()).toString()).toMatch(/^kubeconfig\0[^]*apiVersion: v1\n/)
    const chunks = await all(admin.machine.etcdSnapshot({}))
    const snapshot = Buffer.concat(chunks.map(({ bytes }) => bytes))
    expect(snapshot.equals(etcd.snapshot())).toBe(true)
    const sum = createHash('sha256').update(snapshot.subarray(0, -32)).digest()
    expect(snapshot.subarray(-32).equals(sum)).toBe(true)
  })
})

describe('control planes and their etcd', () => {
  test('the leader moves when it is asked to and when its node goes down; ids are 64 bits', async () => {
    const { nodes, etcd } = await makeControlPlanes(['127.0.40.40', '127.0.40.41', '127.0.40.42'])
    const admin = await callsTo(nodes[0]!)
    const members = (await admin.machine.etcdMemberList({})).messages[0]?.members ?? []
    expect(members.map(({ hostname }) => hostname)).toEqual(['cp-1', 'cp-2', 'cp-3'])
    expect(members.every(({ id }) => id > BigInt(Number.MAX_SAFE_INTEGER))).toBe(true)
    const leader = etcd.leader()!
    const leading = await callsTo(nodes.find(({ name }) => name === leader)!)
    const next = (await leading.machine.etcdForfeitLeadership({})).messages[0]?.member
    expect(next).toBe(etcd.leader())
    expect(next).not.toBe(leader)
    expect((await leading.machine.etcdForfeitLeadership({})).messages[0]?.member).toBe('')
    const status = (await admin.machine.etcdStatus({})).messages[0]?.memberStatus
    expect(status).toMatchObject({ leader: etcd.member(next!)?.id, memberId: etcd.member('cp-1')?.id, errors: [] })
    nodes.find(({ name }) => name === next)!.cutPower()
    expect(etcd.leader()).not.toBe(next)
    expect(etcd.hasQuorum()).toBe(true)
    etcd.setAlarm('cp-1', 'NOSPACE')
    expect((await admin.machine.etcdAlarmList({})).messages[0]?.memberAlarms).toMatchObject([
      { memberId: etcd.member('cp-1')?.id, alarm: 1 },
    ])
  })

  test('without quorum a control plane runs and is not ready, until the majority is back', async () => {
    const { nodes, etcd } = await makeControlPlanes(['127.0.40.43', '127.0.40.44', '127.0.40.45'])
    const [one, two, three] = [nodes[0]!, nodes[1]!, nodes[2]!]
    two.cutPower()
    three.cutPower()
    expect(one).toMatchObject({ stage: 'running', ready: false })
    const admin = await callsTo(one)
    expect(await failure(admin.machine.etcdMemberList({}))).toEqual({
      code: Code.Unknown,
      message: 'etcdserver: request timed out',
    })
    expect((await admin.machine.etcdStatus({})).messages[0]?.memberStatus).toMatchObject({
      leader: 0n,
      errors: ['etcdserver: no leader'],
    })
    one.cutPower()
    one.wake()
    await until([one], () => one.stage === 'running')
    const status = await spec(await callsTo(one), 'runtime', 'MachineStatuses.runtime.talos.dev', 'machine')
    expect(JSON.stringify(status)).toContain('etcd not running')
    expect(etcd.hasQuorum()).toBe(false)
    two.wake()
    await until(nodes, () => one.ready && two.ready)
    expect(three.power).toBe('off')
  })

  test('of two control planes none upgrades itself', async () => {
    const { nodes } = await makeControlPlanes(['127.0.40.46', '127.0.40.47'])
    const admin = await callsTo(nodes[0]!)
    const image = imageOf('v1.14.0')
    expect((await failure(admin.machine.upgrade({ image }))).message).toBe(
      'error validating etcd for upgrade: etcd member count(2) is insufficient to maintain quorum if upgrade commences',
    )
    expect(nodes[0]!.stage).toBe('running')
    await admin.machine.upgrade({ image, preserve: true })
    await until(nodes, () => nodes[0]!.ready && nodes[0]!.version === 'v1.14.0')
  })
})
