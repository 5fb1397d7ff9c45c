import { Code } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { RebootRequest_Mode as RebootMode } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { all, failure, follow, tell } from './client.ts'
import { createTalosNodes, first, imageOf, install, second, spec, system, until } from './nodes.ts'

const { bootWorker, callsTo } = createTalosNodes()

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
    expect((await failure(admin.state.get(fallback))).code).toBe(Code.NotFound)
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
      ...[
        'stopServicesForUpgrade',
        'unmountPodMounts',
        'unmountSystemDiskBindMounts',
        'unmountEphemeralPartition',
        'teardownLifecycle',
        'kexecPrepare',
      ].flatMap((task) => [`task ${task}`, `task ${task}`]),
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
      'sequence boot STOP',
      'RUNNING not ready',
      'RUNNING ready',
    ])
    expect(node.calls.map(({ method }) => method)).toEqual([
      'LifecycleService.Upgrade',
      'ImageService.Pull',
      'LifecycleService.Upgrade',
      'MachineService.Reboot',
    ])
  })

  test.each([
    { component: 'kubelet', version: 'v1.31.9', how: 'too old' },
    { component: 'kube-scheduler', version: 'v1.38.0', how: 'too new' },
  ])(
    'an installer refuses a host whose $component is $version, which is $how for it',
    async ({ component, version, how }) => {
      const components = () => ({ kubelet: 'v1.36.3', [component]: version })
      const node = await bootWorker({ address: '127.0.40.28', components })
      const { output, exitCode } = await install(await callsTo(node), 'v1.14.0')
      expect(exitCode).toBe(4)
      expect(output).toContain(
        `Error: pre-flight checks failed: component ${component} version issue: version of Kubernetes ${version.slice(1)} is ${how} to be used with Talos 1.14.0`,
      )
      expect(node.armed).toBe(false)
    },
  )

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

  test("Talos' own upgrade that cannot drain reboots into the previous release", async () => {
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
