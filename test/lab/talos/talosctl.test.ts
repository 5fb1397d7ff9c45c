import { gunzipSync, gzipSync } from 'node:zlib'
import { Code } from '@connectrpc/connect'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { textInArchive } from '../../../src/adapters/talos/archive.ts'
import { ContainerdNamespace } from '../../../src/adapters/talos/gen/common_pb.ts'
import { createAuthority } from '../authority.ts'
import { createKubernetesApi } from '../kubernetes/api.ts'
import { tarOf } from './archive.ts'
import { all, failure, type TalosCalls } from './client.ts'
import { createTalosNodes, imageOf, install, spec, system, until } from './nodes.ts'

// What the unmodified talosctl asks of a node, by whose answers it would panic, hang or refuse.
const { bootWorker, makeControlPlanes, callsTo } = createTalosNodes()

interface Definition {
  readonly type: string
  readonly displayType: string
  readonly defaultNamespace: string
  readonly aliases: readonly string[]
  readonly allAliases: readonly string[]
  readonly printColumns: readonly { readonly name: string; readonly jsonPath: string }[]
}

async function definitionsOf(calls: TalosCalls): Promise<Map<string, Definition>> {
  const items = await all(calls.state.list({ namespace: 'meta', type: 'ResourceDefinitions.meta.cosi.dev' }))
  const specs = items.map(({ resource }) => parse(resource?.spec?.yamlSpec ?? '') as Definition)
  return new Map(specs.map((definition) => [definition.type, definition]))
}

/** A message's strings by their fields' numbers. */
function stringsIn(message: Uint8Array): Record<number, string[]> {
  const reader = new BinaryReader(message)
  const found: Record<number, string[]> = {}
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.LengthDelimited) (found[field] ??= []).push(Buffer.from(reader.bytes()).toString())
    else reader.skip(type)
  }
  return found
}

describe('what talosctl gets', () => {
  test('is found by type, alias and namespace, and every type that is defined is served', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.61'], { version: 'v1.14.1' })
    const admin = await callsTo(nodes[0]!)
    const definitions = await definitionsOf(admin)
    expect(definitions.get('MachineStatuses.runtime.talos.dev')).toMatchObject({
      displayType: 'MachineStatus',
      defaultNamespace: 'runtime',
      aliases: ['machinestatus', 'ms'],
      printColumns: [
        { name: 'Stage', jsonPath: '{.stage}' },
        { name: 'Ready', jsonPath: '{.status.ready}' },
      ],
    })
    const aliases = Object.fromEntries([...definitions].map(([type, { aliases }]) => [type, aliases]))
    expect(aliases).toMatchObject({
      'ResourceDefinitions.meta.cosi.dev': ['api-resources', 'resourcedefinition', 'rd', 'rds'],
      'Members.cluster.talos.dev': ['member'],
      'NodeAddresses.net.talos.dev': ['nodeaddress', 'na', 'nas'],
      'BootedEntries.talos.dev': ['bootedentry', 'be', 'bes'],
      'BootIDs.runtime.talos.dev': ['bootid', 'bid', 'bids'],
      'ExtensionStatuses.runtime.talos.dev': ['extensions', 'extensionstatus', 'es'],
      'MetaKeys.runtime.talos.dev': ['meta', 'metakey', 'mk', 'mks'],
      'Services.v1alpha1.talos.dev': ['svc', 'service'],
    })
    expect(definitions.get('MachineConfigs.config.talos.dev')?.allAliases).toContain('machineconfigs.config')
    for (const { type, defaultNamespace: namespace } of definitions.values())
      for (const { resource } of await all(admin.state.list({ namespace, type })))
        expect(resource?.metadata).toMatchObject({ namespace, type, phase: 'running' })
    const namespaces = await all(admin.state.list({ namespace: 'meta', type: 'Namespaces.meta.cosi.dev' }))
    const names = namespaces.map(({ resource }) => resource?.metadata?.id)
    expect([...definitions.values()].filter(({ defaultNamespace }) => !names.includes(defaultNamespace))).toEqual([])
  })

  test('of an older release is not defined where that release has no such type', async () => {
    const old = await callsTo(await bootWorker({ address: '127.0.46.62', version: 'v1.13.9' }))
    const types = [...(await definitionsOf(old)).keys()]
    expect(types).not.toContain('BootIDs.runtime.talos.dev')
    expect(types).toContain('Versions.runtime.talos.dev')
  })

  test('has its spec as a message too, which is what its Go types read', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.63'], { version: 'v1.14.1' })
    const admin = await callsTo(nodes[0]!)
    const message = async (namespace: string, type: string, id: string) =>
      (await admin.state.get({ namespace, type, id })).resource?.spec?.protoSpec ?? new Uint8Array()
    const status = await message('runtime', 'MachineStatuses.runtime.talos.dev', 'machine')
    // Stage 4 is running; then a status with ready.
    expect([...status]).toEqual([8, 4, 18, 2, 8, 1])
    const member = await message('cluster', 'Members.cluster.talos.dev', 'cp-1')
    expect(stringsIn(member)).toMatchObject({ 3: ['cp-1'], 5: ['Talos (v1.14.1)'] })
    expect(Buffer.from(member).includes(Buffer.from([10, 4, 127, 0, 46, 63]))).toBe(true)
    const definition = await message('meta', 'ResourceDefinitions.meta.cosi.dev', 'versions.runtime.talos.dev')
    expect(stringsIn(definition)).toMatchObject({
      1: ['Versions.runtime.talos.dev'],
      2: ['Version'],
      3: ['runtime'],
      4: ['version'],
    })
    const type = await message('config', 'MachineTypes.config.talos.dev', 'machine-type')
    expect([...type]).toEqual([8, 2])
  })

  test('of a machine’s configuration has an etcd on a control plane alone, no key, and is for admins', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.64'])
    const worker = await bootWorker({ address: '127.0.46.65' })
    const configs = ['config', 'MachineConfigs.config.talos.dev', 'v1alpha1'] as const
    const configOf = async (calls: TalosCalls) => parse(String(await spec(calls, ...configs)))
    const own = await configOf(await callsTo(nodes[0]!))
    expect(own).toMatchObject({ machine: { type: 'controlplane', ca: { key: '' } }, cluster: { etcd: { ca: {} } } })
    expect((await configOf(await callsTo(worker))).cluster).not.toHaveProperty('etcd')
    const reader = await callsTo(worker, ['os:reader'])
    expect((await failure(spec(reader, ...configs))).message).toBe('not authorized')
  })
})

describe('services', () => {
  test('have their events from the boot on, so that talosctl has a last one to show', async () => {
    const node = await bootWorker({ address: '127.0.46.66' })
    const admin = await callsTo(node)
    const services = async () => (await admin.machine.serviceList({})).messages[0]?.services ?? []
    const first = await services()
    expect(first.every(({ events }) => events !== undefined)).toBe(true)
    expect(first.map(({ id }) => id)).toEqual(first.map(({ id }) => id).toSorted())
    const kubelet = async () => (await services()).find(({ id }) => id === 'kubelet')
    expect((await kubelet())?.events?.events.map(({ state }) => state)).toEqual(['Running'])
    expect((await admin.more.serviceRestart({ id: 'kubelet' })).messages[0]?.resp).toBe('Service "kubelet" restarted')
    expect((await kubelet())?.events?.events.map(({ state }) => state)).toEqual(['Running', 'Finished', 'Running'])
    expect(Number((await kubelet())?.events?.events[0]?.ts?.seconds)).toBeGreaterThan(1_700_000_000)
  })

  test('are handled only where Talos lets them be, and only by who may', async () => {
    const admin = await callsTo(await bootWorker({ address: '127.0.46.67' }))
    expect(await failure(admin.more.serviceStop({ id: 'machined' }))).toEqual({
      code: Code.Unknown,
      message: `service "machined" doesn't support stop operation via API`,
    })
    expect((await failure(admin.more.serviceStop({ id: 'kubelet' }))).message).toContain('support stop')
    expect((await failure(admin.more.serviceStart({ id: 'trustd' }))).message).toBe('service "trustd" not defined')
    const reader = await callsTo(await bootWorker({ address: '127.0.46.68' }), ['os:reader'])
    expect((await failure(reader.more.serviceRestart({ id: 'kubelet' }))).code).toBe(Code.PermissionDenied)
  })
})

describe('a kubeconfig', () => {
  test('comes in a tar that was never closed, and ours is read either way', async () => {
    const text = `apiVersion: v1\n${'# padding\n'.repeat(60)}`
    const open = tarOf('kubeconfig', text)
    const bytes = gunzipSync(open)
    expect(bytes.length).toBe(512 + text.length)
    const closed = gzipSync(Buffer.concat([bytes, Buffer.alloc(512 - (text.length % 512)), Buffer.alloc(1_024)]))
    const padded = gzipSync(Buffer.concat([bytes, Buffer.alloc(512 - (text.length % 512))]))
    for (const archive of [open, closed, padded]) expect(textInArchive(archive, 'kubeconfig')).toBe(text)
    expect(() => textInArchive(gzipSync(bytes.subarray(0, -1)), 'kubeconfig')).toThrow('no complete kubeconfig')
  })

  test('names the namespace that it starts in', async () => {
    const authority = await createAuthority('kubernetes')
    await using kubernetes = createKubernetesApi({ address: '127.0.46.100', authority })
    await kubernetes.start()
    const { contexts } = parse(await kubernetes.kubeconfig())
    expect(contexts[0].context).toMatchObject({ namespace: 'default', user: 'admin' })
  })
})

describe('images', () => {
  test('are listed with their digests, by the new calls and by the old', async () => {
    const node = await bootWorker({ address: '127.0.46.69' })
    const admin = await callsTo(node)
    await all(admin.image.pull({ containerd: system, imageRef: imageOf('v1.14.1') }))
    const names = (await all(admin.moreImages.list({ containerd: system }))).map(({ name }) => name)
    expect(names).toEqual(names.toSorted())
    expect(names.filter((name) => name.includes('metal-installer'))).toHaveLength(2)
    await admin.more.imagePull({ namespace: ContainerdNamespace.NS_CRI, reference: imageOf('v1.13.10') })
    const old = await all(admin.more.imageList({ namespace: ContainerdNamespace.NS_CRI }))
    const listed = old.find(({ name }) => name === imageOf('v1.13.10'))
    expect(listed?.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await failure(admin.more.imagePull({ namespace: 2, reference: 'nowhere/x:v1' }))).toMatchObject({
      code: Code.NotFound,
    })
  })
})

describe('the health check of a control plane', () => {
  test('goes through what talosctl waits for and ends well', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.71', '127.0.46.72', '127.0.46.73'], { peers: () => nodes })
    const admin = await callsTo(nodes[0]!)
    const told = (await all(admin.cluster.healthCheck({ waitTimeout: { seconds: 5n } }))).map(({ message }) => message)
    expect(told[0]).toBe('discovered nodes: ["127.0.46.71" "127.0.46.72" "127.0.46.73"]')
    expect(told.filter((message) => message.endsWith(': OK'))).toHaveLength(16)
    expect(told.at(-1)).toBe('waiting for all k8s nodes to report schedulable: OK')
  })

  test('waits for a node that is down, and says which until the time is up', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.74', '127.0.46.75', '127.0.46.76'], { peers: () => nodes })
    nodes[2]!.cutPower()
    const admin = await callsTo(nodes[0]!)
    const told: string[] = []
    const ask = async (seconds: bigint) => {
      for await (const { message } of admin.cluster.healthCheck({ waitTimeout: { seconds } })) told.push(message)
    }
    expect(await failure(ask(0n))).toEqual({ code: Code.DeadlineExceeded, message: 'context deadline exceeded' })
    expect(told.at(-1)).toBe('waiting for etcd members to be consistent across nodes: a member does not answer')
    nodes[2]!.wake()
    await until(nodes, () => nodes.every(({ ready }) => ready))
    await ask(5n)
  })

  test('is not for workers, nor are the other calls about etcd and Kubernetes', async () => {
    const worker = await callsTo(await bootWorker({ address: '127.0.46.77' }))
    const refused = async (call: Promise<unknown>, api: string) =>
      expect(await failure(call)).toEqual({
        code: Code.Unimplemented,
        message: `${api} is only available on control plane nodes`,
      })
    await refused(all(worker.cluster.healthCheck({ waitTimeout: { seconds: 1n } })), 'cluster health check')
    await refused(worker.more.bootstrap({}), 'bootstrap')
    await refused(worker.more.etcdAlarmDisarm({}), 'etcd alarm disarm')
    const old = await callsTo(await bootWorker({ address: '127.0.46.78', version: 'v1.12.11' }))
    expect(await failure(old.more.bootstrap({}))).toEqual({
      code: Code.FailedPrecondition,
      message: 'bootstrap can only be performed on a control plane node',
    })
  })
})

test('a control plane that has an etcd is not bootstrapped again, and disarms its alarms', async () => {
  const { nodes, etcd } = await makeControlPlanes(['127.0.46.79'])
  const admin = await callsTo(nodes[0]!)
  expect(await failure(admin.more.bootstrap({}))).toEqual({
    code: Code.AlreadyExists,
    message: 'etcd data directory is not empty',
  })
  etcd.setAlarm('cp-1', 'NOSPACE')
  expect((await admin.more.etcdAlarmDisarm({})).messages[0]?.memberAlarms).toMatchObject([
    { memberId: etcd.member('cp-1')?.id, alarm: 1 },
  ])
  expect(etcd.alarms()).toEqual([])
})

test('a node that has nothing to go back to says so in words of no code', async () => {
  const node = await bootWorker({ address: '127.0.46.80' })
  const admin = await callsTo(node)
  expect(await failure(admin.machine.rollback({}))).toEqual({ code: Code.Unknown, message: 'previous UKI not found' })
  await install(admin, 'v1.13.10')
  await admin.machine.rollback({})
})

describe('a node’s own figures and lines', () => {
  test('are there for every reader', async () => {
    const reader = await callsTo(await bootWorker({ address: '127.0.46.81' }), ['os:reader'])
    expect((await reader.more.hostname({})).messages[0]?.hostname).toBe('w-1')
    expect(Number((await reader.more.memory({})).messages[0]?.meminfo?.memtotal)).toBeGreaterThan(2_000_000)
    expect((await reader.more.loadAvg({})).messages[0]?.load1).toBeGreaterThan(0)
    expect((await reader.more.mounts({})).messages[0]?.stats.map(({ mountedOn }) => mountedOn)).toContain('/var')
    const lines = (await all(reader.more.dmesg({}))).map(({ bytes }) => Buffer.from(bytes).toString())
    expect(lines.every((line) => /^\w+: +\w+: \[\d{4}-.*Z\]: .*\n$/.test(line))).toBe(true)
    expect(lines.join('')).toContain('service[kubelet](Running): Health check successful')
    expect(await all(reader.more.logs({ id: 'kubelet' }))).toHaveLength(1)
    expect((await failure(all(reader.more.logs({ id: 'nothing' })))).message).toBe('log "nothing" was not registered')
  })

  test('of many nodes flow while they come, and end with the client', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.82'])
    const worker = await bootWorker({ address: '127.0.46.83' })
    const admin = await callsTo(nodes[0]!)
    const headers: [string, string][] = [nodes[0]!, worker].map(({ address }) => ['nodes', address])
    const heard = new Set<string | undefined>()
    for await (const { metadata } of admin.more.dmesg({ follow: true }, { headers })) {
      heard.add(metadata?.hostname)
      if (heard.size === 2) break
    }
    expect(heard).toEqual(new Set(['127.0.46.82', '127.0.46.83']))
    const one = await all(admin.more.dmesg({}, { headers: [...headers, ['nodes', '127.0.46.84']] }))
    expect(one.filter(({ metadata }) => metadata?.error).map(({ metadata }) => metadata?.hostname)).toEqual([
      '127.0.46.84',
    ])
  })
})
