import { Code } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import {
  RebootRequest_Mode as RebootMode,
  UpgradeRequest_RebootMode as UpgradeBy,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import { createAuthority } from '../authority.ts'
import { all, connectTalos, failure, follow } from './client.ts'
import { createTalosNodes, first, imageOf, install, second, spec, until } from './nodes.ts'

const lab = createTalosNodes()
const { bootWorker, callsTo, makeControlPlanes } = lab

describe('the way down', () => {
  test.each([
    { name: 'by kexec', mode: RebootMode.DEFAULT, kexec: true },
    { name: 'through the firmware', mode: RebootMode.POWERCYCLE, kexec: false },
    {
      name: 'through the firmware, since Secure Boot knows no kexec,',
      options: { secureBoot: true },
      mode: RebootMode.DEFAULT,
      kexec: false,
    },
  ] as const)('$name has its own phases', async ({ options = {}, mode, kexec }) => {
    const node = await bootWorker({ address: '127.0.46.31', ...options })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.reboot({ mode })
    expect(await followed.ended).toBe(Code.Canceled)
    expect(followed.told().includes('task kexecPrepare')).toBe(kexec)
    await until([node], () => node.ready)
  })

  test('of Talos’ own upgrade goes through the firmware where it is to', async () => {
    const node = await bootWorker({ address: '127.0.46.32', version: 'v1.12.11' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.upgrade({ image: imageOf('v1.13.9'), rebootMode: UpgradeBy.POWERCYCLE })
    await followed.ended
    expect(followed.told()).not.toContain('task kexecPrepare')
    expect(node.calls.at(-1)).toMatchObject({ method: 'MachineService.Upgrade', mode: 'POWERCYCLE' })
    await until([node], () => node.ready && node.version === 'v1.13.9')
  })
})

describe('an upgrade that is staged', () => {
  const staged = { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev', id: '0x07' }

  test('is written to META, and installed by the next boot, which boots once more', async () => {
    const node = await bootWorker({ address: '127.0.46.33' })
    const admin = await callsTo(node)
    const boots = new Set([node.bootId])
    node.onChange(() => boots.add(node.bootId))
    const followed = follow(admin)
    await followed.hello
    await admin.machine.upgrade({ image: imageOf('v1.13.10'), stage: true })
    await followed.seen('UPGRADING ready')
    expect(await spec(admin, staged.namespace, staged.type, staged.id)).toEqual({ value: imageOf('v1.13.10') })
    await until([node], () => node.ready && node.version === 'v1.13.10')
    expect(boots.size).toBe(3)
    expect((await failure((await callsTo(node)).state.get(staged))).code).toBe(Code.NotFound)
  })

  test('that fails is forgotten, and the release of before boots', async () => {
    const node = await bootWorker({ address: '127.0.46.34' })
    node.stageUpgrade(imageOf('v1.13.10'))
    node.faults.installerExit = 6
    node.cutPower()
    node.wake()
    await until([node], () => node.ready)
    expect(node).toMatchObject({ version: 'v1.13.9', armed: false })
    expect((await failure((await callsTo(node)).state.get(staged))).code).toBe(Code.NotFound)
  })
})

describe('what boots', () => {
  test('has an entry of its own beside one of the same release', async () => {
    const node = await bootWorker({ address: '127.0.46.35' })
    const entry = async () => {
      const found = await spec(await callsTo(node), 'runtime', 'BootedEntries.talos.dev', 'bootedentry')
      return (found as { bootedEntry: string }).bootedEntry
    }
    expect(await entry()).toBe('Talos-v1.13.9.efi')
    const admin = await callsTo(node)
    await install(admin, 'v1.13.9')
    expect(node.armed).toBe(true)
    await admin.machine.reboot({})
    await until([node], () => node.ready && node.schematic === second)
    expect(await entry()).toBe('Talos-v1.13.9~1.efi')
    await (await callsTo(node)).machine.rollback({})
    await until([node], () => node.ready && node.schematic === first)
    expect(await entry()).toBe('Talos-v1.13.9.efi')
  })

  test('may be another machine with the same name', async () => {
    const node = await bootWorker({ address: '127.0.46.36' })
    const { uuid } = node
    const seen = async () => {
      const system = 'SystemInformations.hardware.talos.dev'
      const found = await spec(await callsTo(node), 'hardware', system, 'systeminformation')
      return (found as { uuid: string }).uuid
    }
    expect(await seen()).toBe(uuid)
    for (const other of [false, true]) {
      node.faults.otherMachine = other
      const { bootId } = node
      await (await callsTo(node)).machine.reboot({})
      await until([node], () => node.ready && node.bootId !== bootId)
      expect((await seen()) === uuid).toBe(!other)
    }
  })
})

test('a server gets another certificate while it serves, and lets in whom the new one’s CA knows', async () => {
  const node = await bootWorker({ address: '127.0.46.37' })
  const admin = await callsTo(node)
  await admin.machine.version({})
  await node.renewCertificate()
  await (await callsTo(node)).machine.version({})
  const next = await createAuthority('talos')
  await node.renewCertificate({ issuer: next })
  await admin.machine.version({})
  expect((await failure((await callsTo(node)).machine.version({}))).code).toBe(Code.Internal)
  await lab.stack.use(await connectTalos(next, node)).machine.version({})
  const { bootId } = node
  await admin.machine.reboot({})
  await until([node], () => node.ready && node.bootId !== bootId)
  await lab.stack.use(await connectTalos(next, node)).machine.version({})
})

describe('one call to many nodes', () => {
  test('has every answer with its node, and those of nodes that fail beside them', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.41'])
    const worker = await bootWorker({ address: '127.0.46.42' })
    const admin = await callsTo(nodes[0]!)
    const to = (...targets: string[]) => ({ headers: targets.map((target): [string, string] => ['nodes', target]) })
    const { messages } = await admin.machine.version({}, to('127.0.46.41', '127.0.46.42', '127.0.46.43'))
    expect(messages.map(({ metadata, version }) => [metadata?.hostname, version?.tag])).toEqual([
      ['127.0.46.41', 'v1.13.9'],
      ['127.0.46.42', 'v1.13.9'],
      ['127.0.46.43', undefined],
    ])
    expect(messages[2]?.metadata).toMatchObject({
      error: expect.stringMatching(/connection refused|ECONNREFUSED/),
      status: { code: Code.Unavailable },
    })
    const refused = (await admin.machine.etcdStatus({}, to(worker.address))).messages
    expect(refused[0]?.metadata?.status).toMatchObject({
      code: Code.Unimplemented,
      message: 'etcd status is only available on control plane nodes',
    })
    const reader = await callsTo(nodes[0]!, ['os:reader'])
    const denied = (await reader.machine.reboot({}, to(worker.address))).messages
    expect(denied[0]?.metadata?.error).toBe('not authorized')
  })

  test('is not for resources, nor for workers to send on', async () => {
    const { nodes } = await makeControlPlanes(['127.0.46.44'])
    const worker = await bootWorker({ address: '127.0.46.45' })
    const headers = { nodes: worker.address }
    const admin = await callsTo(nodes[0]!)
    expect(await failure(admin.state.get({}, { headers }))).toEqual({
      code: Code.InvalidArgument,
      message: 'one-2-many proxying is not supported for method /cosi.resource.State/Get',
    })
    const direct = await callsTo(worker)
    for (const others of [nodes[0]!.address, `${worker.address}, ${nodes[0]!.address}`])
      expect(await failure(direct.machine.version({}, { headers: { nodes: others } }))).toEqual({
        code: Code.PermissionDenied,
        message: 'no request forwarding',
      })
  })

  test('is served by a worker that is the only one of them, as if it had been asked directly', async () => {
    const worker = await bootWorker({ address: '127.0.46.46' })
    const direct = await callsTo(worker)
    for (const nodes of [worker.address, worker.name]) {
      const { messages } = await direct.machine.version({}, { headers: { nodes } })
      expect(messages).toMatchObject([{ version: { tag: worker.version } }])
      expect(messages[0]?.metadata).toBeUndefined()
      expect(
        await all(
          direct.state.list({ namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev' }, { headers: { nodes } }),
        ),
      ).toEqual([])
    }
  })
})
