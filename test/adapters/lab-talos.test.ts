import { createHash } from 'node:crypto'
import { connect, constants } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { Code, createClient, type CallOptions } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ContainerDriver, ContainerdNamespace } from '../../src/adapters/talos/gen/common_pb.ts'
import { MachineService, RebootRequest_Mode as RebootMode } from '../../src/adapters/talos/gen/machine_pb.ts'
import { createAuthority, type LabAuthority } from '../lab/authority.ts'
import { createEtcd } from '../lab/etcd.ts'
import { all, connectTalos, failure, follow, tell, type TalosCalls } from '../lab/talos-client.ts'
import { createTalosNode, type TalosNode, type TalosNodeOptions } from '../lab/talos-node.ts'

const first = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba'
const second = 'c'.repeat(64)
const system = { driver: ContainerDriver.CRI, namespace: ContainerdNamespace.NS_SYSTEM }
const imageOf = (version: string, schematic = second) => `factory.talos.dev/metal-installer/${schematic}:${version}`

let authority: LabAuthority
let stack: AsyncDisposableStack
beforeAll(async () => {
  authority = await createAuthority('talos')
})
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

function makeNode(options: Partial<TalosNodeOptions> & { readonly address: string }): TalosNode {
  return stack.use(
    createTalosNode({
      name: 'w-1',
      role: 'worker',
      version: 'v1.13.9',
      schematic: first,
      authority,
      pace: { pull: 20, install: 40, stop: 60, boot: 40, settle: 40 },
      resolveImage(ref) {
        const [, schematic, version] = /\/([0-9a-f]{64}):(v[0-9.]+)$/.exec(ref) ?? []
        return schematic !== undefined && version !== undefined ? { schematic, version } : undefined
      },
      ...options,
    }),
  )
}

/** Control planes that share an etcd, and boot at the same time. */
async function makeControlPlanes(addresses: readonly string[], options: Partial<TalosNodeOptions> = {}) {
  const etcd = createEtcd()
  const nodes = addresses.map((address, at) =>
    makeNode({ name: `cp-${at + 1}`, role: 'controlplane', address, etcd, ...options }),
  )
  await Promise.all(nodes.map((node) => node.start()))
  await until(nodes, () => nodes.every(({ ready }) => ready))
  return { etcd, nodes }
}

async function bootWorker(options: Partial<TalosNodeOptions> & { readonly address: string }): Promise<TalosNode> {
  const node = makeNode(options)
  await node.start()
  await until([node], () => node.ready)
  return node
}

/** Waits for a condition on what nodes show of themselves; the test's own limit ends it. */
async function until(nodes: readonly TalosNode[], condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>((resolve) => {
    const offs = nodes.map((node) =>
      node.onChange(() => {
        if (!condition()) return
        for (const off of offs) off()
        resolve()
      }),
    )
  })
}

async function callsTo(node: TalosNode, organizations?: readonly string[]): Promise<TalosCalls> {
  return stack.use(await connectTalos(authority, node, organizations))
}

async function spec(calls: TalosCalls, namespace: string, type: string, id: string): Promise<unknown> {
  const { resource } = await calls.state.get({ namespace, type, id })
  expect(resource?.metadata).toMatchObject({ namespace, type, id, phase: 'running' })
  return parse(resource?.spec?.yamlSpec ?? '')
}

async function install(calls: TalosCalls, version: string): Promise<{ output: string; exitCode: number | undefined }> {
  const pulled = await all(calls.image.pull({ containerd: system, imageRef: imageOf(version) }))
  const name = pulled.at(-1)?.response
  expect(name?.case).toBe('name')
  const source = { imageName: name?.case === 'name' ? name.value : '' }
  const items = (await all(calls.lifecycle.upgrade({ containerd: system, source }))).map(
    ({ progress }) => progress?.response,
  )
  const output = items.map((item) => (item?.case === 'message' ? item.value : '')).join('')
  const last = items.at(-1)
  return { output, exitCode: last?.case === 'exitCode' ? last.value : undefined }
}

describe('who may call a Talos node', () => {
  test('a client without a certificate of the same authority is not let in', async () => {
    const node = await bootWorker({ address: '127.0.40.1' })
    const stranger = await createAuthority('stranger')
    const { cert, key } = await stranger.issueClient({ common: 'x', organizations: ['os:admin'] })
    const none = { ca: authority.ca }
    const server = await authority.issueServer({ common: 'x' })
    for (const tls of [none, { ...none, cert, key }, { ...none, ...server }]) {
      const baseUrl = `https://${node.address}:${node.port}`
      const session = new Http2SessionManager(baseUrl, {}, tls)
      stack.defer(() => session.abort())
      const machine = createClient(MachineService, createGrpcTransport({ baseUrl, sessionManager: session }))
      // What connect-node calls a handshake that fails, and a connection that ends after it.
      expect([Code.Internal, Code.Canceled]).toContain((await failure(machine.version({}))).code)
    }
  })

  test('a client that pings all the time is sent away', async () => {
    const node = await bootWorker({ address: '127.0.40.9' })
    const identity = await authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const session = connect(`https://${node.address}:${node.port}`, { ca: authority.ca, ...identity })
    stack.defer(() => session.destroy())
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

describe('upgrades', () => {
  test('the installer runs and nothing else happens; a reboot then boots the new release', async () => {
    const node = await bootWorker({ address: '127.0.40.10' })
    const admin = await callsTo(node)
    const before = node.bootId
    expect(
      (await failure(all(admin.lifecycle.upgrade({ containerd: system, source: { imageName: 'x' } })))).message,
    ).toBe('upgrade failed: installer image x not found in containerd store')
    const { output, exitCode } = await install(admin, 'v1.14.0')
    expect(exitCode).toBe(0)
    expect(output).toContain('installation of v1.14.0 complete')
    expect(node).toMatchObject({ armed: true, version: 'v1.13.9', stage: 'running', ready: true, bootId: before })
    const fallback = { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev', id: '0x06' }
    expect(parse((await admin.state.get(fallback)).resource?.spec?.yamlSpec ?? '')).toEqual({
      value: 'Talos-v1.13.9.efi',
    })
    const followed = follow(admin)
    await followed.hello
    const { actorId } = (await admin.machine.reboot({})).messages[0] ?? {}
    expect(actorId).toMatch(/^[0-9a-f-]{36}$/)
    expect(await followed.ended).toBe(Code.Canceled)
    expect(followed.told().filter((what) => !what.includes('Event'))).toEqual([
      'hello',
      'sequence reboot START',
      'REBOOTING ready',
      ...['stopAllPods', 'stopAllPods', 'stopDBus', 'stopDBus'].map((task) => `task ${task}`),
      ...['stopServices', 'umount', 'unmountBind', 'unmountSystem', 'volumeFinalize', 'kexecPrepare'].flatMap(
        (task) => [`task ${task}`, `task ${task}`],
      ),
      'task stopAllServices',
    ])
    const actors = followed.events.filter((event) => tell(event) === 'sequence reboot START' || event.actorId !== '')
    expect(actors.every((event) => event.actorId === actorId)).toBe(true)
    await until([node], () => node.ready)
    expect(node).toMatchObject({ armed: false, version: 'v1.14.0', schematic: second })
    expect(node.bootId).not.toBe(before)
    const again = await callsTo(node)
    expect((await failure(again.state.get(fallback))).code).toBe(Code.NotFound)
    const history = follow(again, -1)
    await history.seen('RUNNING ready')
    expect(history.told().filter((what) => /^(sequence|[A-Z]+) /.test(what))).toEqual([
      'sequence initialize START',
      'sequence initialize STOP',
      'sequence install START',
      'sequence install STOP',
      'sequence boot START',
      ...history.told().filter((what) => what === 'BOOTING not ready'),
      'RUNNING not ready',
      'sequence boot STOP',
      'RUNNING ready',
    ])
    expect(node.calls.map(({ method }) => method)).toEqual([
      'LifecycleService.Upgrade',
      'ImageService.Pull',
      'LifecycleService.Upgrade',
      'MachineService.Reboot',
    ])
  })

  test('an unknown image is not found; an unfit release and a failing installer end with an exit code', async () => {
    const node = await bootWorker({ address: '127.0.40.11', version: 'v1.14.0' })
    const admin = await callsTo(node)
    const pull = admin.image.pull({ containerd: system, imageRef: 'nowhere/installer:v1.14.1' })
    expect((await failure(all(pull))).code).toBe(Code.NotFound)
    expect(await install(admin, 'v1.17.0')).toMatchObject({ exitCode: 4 })
    node.faults.installerExit = 2
    expect(await install(admin, 'v1.14.1')).toMatchObject({ exitCode: 2 })
    expect(node.armed).toBe(false)
    node.faults.upgradeInProgress = true
    expect(await failure(install(admin, 'v1.14.1'))).toEqual({
      code: Code.FailedPrecondition,
      message: 'another installation/upgrade is already in progress',
    })
    expect(await install(admin, 'v1.14.1')).toMatchObject({ exitCode: 0 })
    expect(node.armed).toBe(true)
  })

  test("Talos' own upgrade drains, installs and reboots by itself", async () => {
    const drained: string[] = []
    const cordonAndDrain = async (name: string) => {
      drained.push(name)
    }
    const node = await bootWorker({ address: '127.0.40.12', version: 'v1.12.11', cordonAndDrain })
    const admin = await callsTo(node)
    expect((await failure(admin.machine.upgrade({ image: 'nowhere' }))).message).toMatch(
      /^error validating installer image "nowhere"/,
    )
    const reply = await admin.machine.upgrade({ image: imageOf('v1.13.9') })
    expect(reply.messages[0]?.ack).toBe('Upgrade request received')
    await until([node], () => node.stage === 'upgrading')
    await until([node], () => node.ready && node.version === 'v1.13.9')
    expect(drained).toEqual(['w-1'])
  })

  test("Talos' own upgrade that cannot drain reboots into the old release", async () => {
    const cordonAndDrain = () => Promise.reject(new Error('connection refused'))
    const node = await bootWorker({ address: '127.0.40.13', cordonAndDrain })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    const before = node.bootId
    await admin.machine.upgrade({ image: imageOf('v1.14.0') })
    await followed.seen('sequence upgrade FATAL')
    await until([node], () => node.ready && node.bootId !== before)
    expect(node).toMatchObject({ version: 'v1.13.9', armed: false })
  })

  test('a release that rolls back leaves the old version, a new boot id and no fallback', async () => {
    const node = await bootWorker({ address: '127.0.40.14' })
    const admin = await callsTo(node)
    await install(admin, 'v1.14.0')
    node.faults.rollBack = true
    const before = node.bootId
    await admin.machine.reboot({})
    await until([node], () => node.ready && node.bootId !== before)
    expect(node).toMatchObject({ version: 'v1.13.9', schematic: first, armed: false })
    const again = await callsTo(node)
    expect(await all(again.state.list({ namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev' }))).toEqual([])
  })

  test('a rollback takes a node that is stuck booting back to the release before', async () => {
    const node = await bootWorker({ address: '127.0.40.15' })
    const admin = await callsTo(node)
    expect((await failure(admin.machine.rollback({}))).message).toBe('previous UKI not found')
    await install(admin, 'v1.14.0')
    node.faults.stuckBooting = true
    await admin.machine.reboot({ mode: RebootMode.FORCE })
    await until([node], () => node.version === 'v1.14.0' && node.stage === 'booting' && node.answering)
    const again = await callsTo(node)
    const status = () => spec(again, 'runtime', 'MachineStatuses.runtime.talos.dev', 'machine')
    expect(await status()).toMatchObject({ stage: 'booting', status: { ready: false } })
    expect(JSON.stringify(await status())).toContain('kubelet not ')
    await again.machine.rollback({})
    await until([node], () => node.ready && node.version === 'v1.13.9')
    expect(node.installed).toEqual({ version: 'v1.13.9', schematic: first })
  })
})

describe('reboots that do not go as asked', () => {
  test('a reboot while another sequence holds the lock is answered with OK, and only an event without an actor tells', async () => {
    const node = await bootWorker({ address: '127.0.40.20' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.locked = true
    expect((await admin.machine.reboot({})).messages[0]?.actorId).not.toBe('')
    await followed.seen('sequence reboot LOCKED')
    expect(followed.events.at(-1)?.actorId).toBe('')
    node.faults.rebootIgnored = true
    await admin.machine.reboot({})
    await admin.machine.version({})
    expect(followed.told()).not.toContain('sequence reboot START')
    expect(node).toMatchObject({ stage: 'running', ready: true, answering: true })
  })

  test('after kexec old connections stay open and silent, and new ones wait until the node is up', async () => {
    const node = await bootWorker({ address: '127.0.40.21' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    let ended = false
    followed.ended.then(
      () => (ended = true),
      () => {},
    )
    node.faults.halfOpen = true
    await admin.machine.reboot({})
    await until([node], () => !node.answering)
    const late = await callsTo(node)
    const version = late.machine.version({})
    await until([node], () => node.ready)
    expect((await version).messages[0]?.version?.tag).toBe('v1.13.9')
    expect(ended).toBe(false)
    // Speaking on the old connection is what tells: the new kernel knows nothing of it.
    expect((await failure(admin.machine.version({}, { timeoutMs: 5000 }))).code).not.toBe(Code.DeadlineExceeded)
    await followed.ended
  })

  test('a silent node accepts connections and answers nobody until it speaks again', async () => {
    const node = await bootWorker({ address: '127.0.40.22' })
    const admin = await callsTo(node)
    await admin.machine.version({})
    node.faults.silent = true
    const fresh = await callsTo(node)
    for (const { machine } of [admin, fresh])
      expect((await failure(machine.version({}, { timeoutMs: 100 }))).code).toBe(Code.DeadlineExceeded)
    node.faults.silent = false
    for (const { machine } of [admin, fresh]) expect((await machine.version({})).messages.length).toBe(1)
  })
})

describe('shutdown and power', () => {
  test('a shutdown drains, stops and powers off; the magic packet brings it back', async () => {
    const drained: string[] = []
    const cordonAndDrain = async (name: string) => {
      drained.push(name)
    }
    const node = await bootWorker({ address: '127.0.40.30', cordonAndDrain })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.shutdown({})
    await followed.seen('SHUTTING_DOWN ready')
    await followed.seen('task stopAllServices')
    await until([node], () => node.power === 'off')
    expect(node).toMatchObject({ answering: false, ready: false, stage: 'unknown' })
    expect(drained).toEqual(['w-1'])
    expect((await failure((await callsTo(node)).machine.version({}))).code).toBe(Code.Unavailable)
    node.wake()
    node.wake()
    await until([node], () => node.ready)
    await (await callsTo(node)).machine.shutdown({ force: true })
    await until([node], () => node.power === 'off')
    expect(drained).toEqual(['w-1'])
  })

  test('a shutdown that cannot cordon powers off at once', async () => {
    const node = await bootWorker({
      address: '127.0.40.31',
      pace: { boot: 40, settle: 40, cordon: 20 },
      cordonAndDrain: () => new Promise(() => {}),
    })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.shutdown({})
    await followed.seen('sequence shutdown FATAL')
    await until([node], () => node.power === 'off')
    expect(followed.told()).not.toContain('task stopAllServices')
  })

  test('a shutdown that hangs still answers, and only the cord ends it', async () => {
    const node = await bootWorker({ address: '127.0.40.32' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.shutdownHangs = true
    await admin.machine.shutdown({ force: true })
    await followed.seen('task unmountSystem')
    expect(node).toMatchObject({ power: 'on', answering: true, stage: 'shutting down' })
    await admin.machine.version({})
    node.cutPower()
    expect(node).toMatchObject({ power: 'off', answering: false, stage: 'unknown' })
  })

  test('an armed node that loses its power boots the new release', async () => {
    const node = await bootWorker({ address: '127.0.40.33' })
    await install(await callsTo(node), 'v1.13.10')
    node.cutPower()
    node.wake()
    await until([node], () => node.ready)
    expect(node.version).toBe('v1.13.10')
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
