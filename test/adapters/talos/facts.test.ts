import { create } from '@bufbuild/protobuf'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ailingServices } from '../../../src/adapters/talos/facts.ts'
import { readEtcd } from '../../../src/adapters/talos/etcd.ts'
import { ServiceListResponseSchema } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { machineStatus, readSpec } from '../../../src/adapters/talos/resources.ts'
import type { Session } from '../../../src/adapters/talos/session.ts'
import type { Talos } from '../../../src/core/cluster/ports.ts'
import { imageOf, schematic, startTalosLab, type TalosLab } from './lab.ts'
import { patience, soon } from '../../patience.ts'

const extensions = [
  { name: 'iscsi-tools', version: 'v0.2.0' },
  { name: 'nut-client', version: '2.8.4' },
]
const overlay = {
  image: 'siderolabs/sbc-raspberrypi',
  name: 'rpi_generic',
  options: { configTxtAppend: 'dtparam=audio=on\n' },
}

let at: TalosLab
let reader: Talos
beforeAll(async () => {
  const pace = { pull: 10, install: 40, stop: 40, boot: 40, settle: 40, etcd: 6_000 }
  at = await startTalosLab(
    { name: 'cp-1', address: '127.0.44.31', version: 'v1.12.11', extensions, pace },
    { name: 'cp-2', address: '127.0.44.32', version: 'v1.13.9', pace },
    { name: 'cp-3', address: '127.0.44.33', version: 'v1.14.0', pace },
    { name: 'w-1', address: '127.0.44.34', version: 'v1.13.9', overlay },
    { name: 'w-2', address: '127.0.44.35', version: 'v1.13.9', schematicText: 'customization: { a: "hunter2\n' },
  )
  reader = await at.as(['os:reader'])
})
afterAll(() => at[Symbol.asyncDispose]())
const node = (name: string) => at.nodes.find((candidate) => candidate.name === name)!
const idOf = (name: string) => at.etcd.member(name)!.id.toString(16)

describe('a look at a node', () => {
  test.each(['cp-1', 'cp-2', 'cp-3', 'w-1'])('tells what %s runs, and how it does', async (name) => {
    expect(await at.talos.observe(name, soon())).toMatchObject({
      version: node(name).version,
      platform: 'metal',
      secureBoot: false,
      schematic,
      bootId: node(name).bootId,
      stage: 'running',
      ready: true,
      unmet: [],
      fallbackPending: false,
      staged: false,
      bootedEntry: `Talos-${node(name).version}.efi`,
      defaultEntry: `Talos-${node(name).version}.efi`,
      machineType: name === 'w-1' ? 'worker' : 'controlplane',
      machineId: node(name).machineId,
      nodename: name,
      uuid: node(name).uuid,
      kernelArguments: expect.arrayContaining(['talos.platform=metal', 'pti=on']),
      ailing: [],
    })
    expect(await at.talos.version(name, soon())).toBe(node(name).version)
  })

  test('tells the official extensions of its schematic', async () => {
    expect((await at.talos.observe('cp-1', soon())).extensions).toEqual([
      'siderolabs/iscsi-tools',
      'siderolabs/nut-client',
    ])
    expect((await at.talos.observe('w-1', soon())).extensions).toEqual([])
  })

  test('tells what it can of a node whose schematic is damaged, and that the rest is unknown', async () => {
    expect(await at.talos.observe('w-2', soon())).toMatchObject({
      schematic,
      extensions: undefined,
      provides: undefined,
      ready: true,
    })
  })

  test.each(['stage: a: hunter2\n', 'stage: "hunter2\n', '[hunter2: {', '*hunter2', '{'.repeat(20_000)])(
    'refuses a resource that is no YAML with its place, and repeats nothing of it: %#',
    async (yamlSpec) => {
      const get = async () => ({ resource: { spec: { yamlSpec } } })
      const asked = readSpec({ state: { get } } as unknown as Session, machineStatus)
      await expect(asked).rejects.toMatchObject({
        code: 'malformed',
        message: expect.stringMatching(/^MachineStatuses\.runtime\.talos\.dev: it is not valid YAML: /),
      })
      await expect(asked).rejects.not.toThrow(/hunter2/)
    },
  )

  test('tells the overlay of its board, and what that was told', async () => {
    expect((await at.talos.observe('w-1', soon())).provides).toEqual({
      kernelArguments: [],
      overlay: 'rpi_generic',
      overlayOptions: { configTxtAppend: '"dtparam=audio=on\\n"' },
      embeddedConfig: false,
    })
    expect((await at.talos.observe('cp-1', soon())).provides).toMatchObject({ overlay: undefined })
  })

  test('tells the boot by its time where the kernel’s own id is for admins only', async () => {
    expect((await reader.observe('cp-3', soon())).bootId).toBe(node('cp-3').bootId)
    for (const name of ['cp-1', 'w-1'])
      expect((await reader.observe(name, soon())).bootId).toMatch(/^booted-at-1\d{9}$/)
  })

  test('tells a machine by its UUID over reboots, and that it is another one', async () => {
    const { uuid } = node('w-1')
    await at.talos.reboot('w-1', 'default', soon())
    await vi.waitFor(() => expect(node('w-1').stage).not.toBe('running'), patience)
    await vi.waitFor(
      async () => expect(await at.talos.observe('w-1', soon())).toMatchObject({ uuid, ready: true, stage: 'running' }),
      patience,
    )
    node('w-1').faults.otherMachine = true
    await at.talos.reboot('w-1', 'default', soon())
    await vi.waitFor(async () => expect((await at.talos.observe('w-1', soon())).uuid).not.toBe(uuid), patience)
    await vi.waitFor(() => expect(node('w-1').ready).toBe(true), patience)
  })

  test('with the role os:reader tells all the rest too', async () => {
    const { bootId: _, defaultEntry: __, hasOtherEntry, ...facts } = await at.talos.observe('cp-1', soon())
    expect(hasOtherEntry).toBe(false)
    const unread = { defaultEntry: undefined, hasOtherEntry: undefined }
    expect(await reader.observe('cp-1', soon())).toMatchObject({ ...facts, ...unread })
  })

  test('whose firmware does not let its variables be read tells all the rest', async () => {
    node('cp-2').faults.efiUnreadable = true
    const look = at.talos.observe('cp-2', soon()).finally(() => {
      node('cp-2').faults.efiUnreadable = false
    })
    expect(await look).toMatchObject({ version: 'v1.13.9', bootedEntry: 'Talos-v1.13.9.efi', defaultEntry: undefined })
  })

  test('shows by systemd-boot alone that another release is installed: META is not read again before the boot', async () => {
    await at.talos.pullImage('w-1', imageOf('v1.13.10'), soon())
    await at.talos.install('w-1', imageOf('v1.13.10'), soon())
    expect(await at.talos.observe('w-1', soon())).toMatchObject({
      version: 'v1.13.9',
      stage: 'running',
      ready: true,
      fallbackPending: false,
      bootedEntry: 'Talos-v1.13.9.efi',
      defaultEntry: 'Talos-v1.13.10.efi',
    })
  })

  test('at a node that boots tells what it waits for', async () => {
    node('w-1').faults.stuckBooting = true
    await at.talos.reboot('w-1', 'default', soon())
    await vi.waitFor(async () => {
      const facts = await at.talos.observe('w-1', soon())
      expect(facts).toMatchObject({ stage: 'booting', ready: false })
      expect(facts.unmet).toEqual([
        'services: kubelet not healthy',
        'nodeReady: node "w-1" status is not available yet',
      ])
      expect(facts.ailing).toEqual(['kubelet'])
    }, patience)
  })
})

test.each([
  { name: 'runs and is healthy', service: { state: 'Running', health: { healthy: true } }, ails: false },
  { name: 'runs and has no health check', service: { state: 'Running', health: { unknown: true } }, ails: false },
  { name: 'runs, and nothing is said of its health,', service: { state: 'Running' }, ails: false },
  { name: 'runs and is not healthy', service: { state: 'Running', health: {} }, ails: true },
  { name: 'has failed', service: { state: 'Failed', health: { unknown: true } }, ails: true },
  { name: 'waits', service: { state: 'Waiting' }, ails: true },
  { name: 'has been stopped', service: { state: 'Finished' }, ails: true },
  { name: 'is not wanted', service: { state: 'Skipped' }, ails: false },
  { name: 'is an extension’s and has done its work', service: { id: 'ext-once', state: 'Finished' }, ails: false },
])('a service that $name', ({ service, ails }) => {
  const list = create(ServiceListResponseSchema, { messages: [{ services: [{ id: 'kubelet', ...service }] }] })
  expect(ailingServices(list).length).toBe(ails ? 1 : 0)
})

describe('a look at etcd', () => {
  afterEach(() => {
    for (const name of ['cp-1', 'cp-2', 'cp-3']) {
      at.etcd.setRunning(name, true)
      at.etcd.setLearner(name, false)
      at.etcd.setAlarm(name, undefined)
      at.etcd.setLag(name, 0)
    }
  })
  const etcdOf = async (name: string) => (await at.talos.observe(name, soon())).etcd

  test('tells the members by ids that no number holds, and who leads', async () => {
    expect(await etcdOf('cp-2')).toEqual({
      ok: true,
      value: {
        id: idOf('cp-2'),
        leader: idOf(at.etcd.leader()!),
        learner: false,
        errors: [],
        alarms: [],
        dbSize: Number(at.etcd.dbSize),
        raftIndex: Number(at.etcd.raftIndex),
        raftApplied: Number(at.etcd.raftIndex),
        storageVersion: '3.6.0',
        members: ['cp-1', 'cp-2', 'cp-3'].map((name) => ({ id: idOf(name), name, learner: false })),
      },
    })
    expect(idOf('cp-2')).toHaveLength(16)
  })

  test('is not for workers', async () => {
    expect(await at.talos.observe('w-1', soon())).not.toHaveProperty('etcd')
  })

  test('tells learners and alarms', async () => {
    at.etcd.setLearner('cp-3', true)
    at.etcd.setAlarm('cp-1', 'NOSPACE')
    const etcd = await etcdOf('cp-3')
    expect(etcd).toMatchObject({ ok: true, value: { learner: true } })
    expect(etcd?.ok && etcd.value.members.map(({ learner }) => learner)).toEqual([false, false, true])
    expect(etcd?.ok && etcd.value.errors).toEqual([expect.stringContaining('alarm:NOSPACE')])
    expect(etcd?.ok && etcd.value.alarms).toEqual([`NOSPACE on ${idOf('cp-1')}`])
  })

  test('tells the size of the database, and a member that is behind', async () => {
    at.etcd.dbSize = 2_147_483_648n
    at.etcd.setLag('cp-3', 900)
    const etcd = await etcdOf('cp-3')
    if (!etcd?.ok) throw new Error('no etcd')
    expect(etcd.value.dbSize).toBe(2_147_483_648)
    expect(etcd.value.raftIndex - etcd.value.raftApplied).toBe(900)
  })

  test('without a quorum ends before etcd does, and all the rest is told', async () => {
    for (const name of ['cp-1', 'cp-2']) at.etcd.setRunning(name, false)
    const facts = await at.talos.observe('cp-3', soon())
    expect(facts).toMatchObject({
      version: 'v1.14.0',
      stage: 'running',
      ready: false,
      etcd: { ok: false, error: 'its etcd did not answer within 2 s' },
    })
  })

  test.each([
    [[{ id: 'etcd', state: 'Failed' }], 'Failed'],
    [[{ id: 'etcd', state: 'Preparing' }], 'Preparing'],
    [[{ id: 'kubelet', state: 'Running' }], 'missing'],
  ])('whose service does not run is not waited for: %j', async (services, state) => {
    // Talos holds such a call for as long as its client.
    const hangs = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const machine = { etcdStatus: hangs, etcdMemberList: hangs, etcdAlarmList: hangs } as unknown as Session['machine']
    const list = create(ServiceListResponseSchema, { messages: [{ services }] })
    const running = create(ServiceListResponseSchema, { messages: [{ services: [{ id: 'etcd', state: 'Running' }] }] })
    const ended: string[] = []
    const whileItRuns = readEtcd({ machine }, Promise.resolve(running)).then(() => ended.push('it runs'))
    const etcd = await readEtcd({ machine }, Promise.resolve(list))
    ended.push('it does not run')
    expect(etcd).toEqual({ ok: false, error: `its etcd is not running: ${state}` })
    await whileItRuns
    expect(ended).toEqual(['it does not run', 'it runs'])
  })

  test('that does not run says so, and all the rest is told', async () => {
    at.etcd.setRunning('cp-1', false)
    const facts = await at.talos.observe('cp-1', soon())
    expect(facts.version).toBe('v1.12.11')
    expect(facts.etcd).toMatchObject({ ok: false, error: expect.stringContaining('connection refused') })
  })
})
