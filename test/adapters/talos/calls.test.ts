import { afterEach, describe, expect, test, vi } from 'vitest'
import { createAuthority } from '../../lab/authority.ts'
import { refusal } from '../refusal.ts'
import { imageOf, startTalosLab, type TalosLab, type TalosLabNode } from './lab.ts'
import { patience, soon } from '../../patience.ts'

const labs: TalosLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

async function boot(...shapes: TalosLabNode[]) {
  const lab = await startTalosLab(...shapes)
  labs.push(lab)
  return { ...lab, node: lab.nodes[0]! }
}
const controlPlanes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `cp-${index + 1}`, address: `127.0.45.${index + 1}` }))

describe('the way that a node reboots', () => {
  test.each([
    ['default', undefined],
    ['powercycle', 'POWERCYCLE'],
    ['force', 'FORCE'],
  ] as const)('is %s where that is asked for', async (mode, word) => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.11' })
    const { bootId } = node
    await talos.reboot('w-1', mode, soon())
    expect(node.calls.at(-1)?.mode).toBe(word)
    await vi.waitFor(() => expect([node.ready, node.bootId === bootId]).toEqual([true, false]), patience)
  })

  test.each([
    ['default', undefined],
    ['powercycle', 'POWERCYCLE'],
    ['force', 'POWERCYCLE'],
  ] as const)('in an upgrade of Talos’ own is for %s as near as it has it', async (mode, word) => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.12', version: 'v1.12.11' })
    await talos.installAndReboot('w-1', { image: imageOf('v1.13.9'), mode }, soon())
    expect(node.calls.at(-1)?.mode).toBe(word)
    await vi.waitFor(() => expect(node).toMatchObject({ ready: true, version: 'v1.13.9' }), patience)
  })
})

test('a node that hangs on its way down says in which phase', async () => {
  const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.16' })
  expect(await talos.activity('w-1', soon())).toEqual({ stage: 'running', phase: undefined })
  node.faults.shutdownHangs = true
  await talos.shutDown('w-1', { force: true }, soon())
  await vi.waitFor(
    async () => expect(await talos.activity('w-1', soon())).toEqual({ stage: 'shutting down', phase: 'unmountSystem' }),
    patience,
  )
})

describe('what a node boots', () => {
  test('shows that an upgrade was staged, which the next boot installs', async () => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.13' })
    node.stageUpgrade(imageOf('v1.13.10'))
    expect(await talos.observe('w-1', soon())).toMatchObject({
      version: 'v1.13.9',
      staged: true,
      fallbackPending: false,
    })
    await talos.reboot('w-1', 'default', soon())
    await vi.waitFor(() => expect(node).toMatchObject({ ready: true, version: 'v1.13.10' }), patience)
    expect(await talos.observe('w-1', soon())).toMatchObject({ staged: false, fallbackPending: false })
  })

  test('is the entry of before after a rollback', async () => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.14' })
    const before = await talos.observe('w-1', soon())
    const other = imageOf('v1.13.9', 'e'.repeat(64))
    await talos.pullImage('w-1', other, soon())
    await talos.install('w-1', other, soon())
    await talos.reboot('w-1', 'default', soon())
    await vi.waitFor(() => expect(node).toMatchObject({ ready: true, schematic: 'e'.repeat(64) }), patience)
    expect((await talos.observe('w-1', soon())).bootedEntry).toBe('Talos-v1.13.9~1.efi')
    await talos.rollback('w-1', soon())
    await vi.waitFor(async () => {
      const { bootedEntry, schematic, ready } = await talos.observe('w-1', soon())
      expect([bootedEntry, schematic, ready]).toEqual([before.bootedEntry, before.schematic, true])
    }, patience)
  })

  test('stays what it is where there is no other entry', async () => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.15' })
    expect(await refusal(talos.rollback('w-1', soon()))).toMatchObject({
      code: 'rejected',
      message: 'w-1 (127.0.45.15): previous UKI not found',
    })
    expect(node.stage).toBe('running')
  })

  test('with arguments of its schematic, and from GRUB with no entry to tell of', async () => {
    const { talos } = await boot({
      name: 'w-1',
      address: '127.0.45.16',
      bootloader: 'grub',
      secureBoot: true,
      kernelArgumentsOf: () => ['net.ifnames=0', 'panic=10'],
    })
    const facts = await talos.observe('w-1', soon())
    expect(facts).toMatchObject({ bootedEntry: undefined, secureBoot: true })
    expect(facts.kernelArguments.slice(-2)).toEqual(['net.ifnames=0', 'panic=10'])
    expect(facts.kernelArguments[0]).toBe('talos.platform=metal')
  })
})

describe('the leadership of etcd', () => {
  test('goes to another member, whose name is told', async () => {
    const { talos, etcd } = await boot(...controlPlanes(3))
    const leader = etcd.leader()!
    const next = await talos.forfeitLeadership(leader, soon())
    expect(next).toBe(etcd.leader())
    expect(next).not.toBe(leader)
    expect(await talos.forfeitLeadership(leader, soon())).toBeUndefined()
  })

  test('stays with the only member, which is rejected', async () => {
    const { talos } = await boot(...controlPlanes(1))
    expect(await refusal(talos.forfeitLeadership('cp-1', soon()))).toMatchObject({
      code: 'rejected',
      message: 'cp-1 (127.0.45.1): cannot forfeit leadership, only one member',
    })
  })

  test('can be asked for later where etcd does not run, which never answers', async () => {
    const { etcd, nodes, as } = await boot(...controlPlanes(1))
    const talos = await as(['os:admin'], {}, { etcdWithin: 50 })
    etcd.setRunning('cp-1', false)
    const error = await refusal(talos.forfeitLeadership('cp-1', soon()))
    expect(error).toMatchObject({
      code: 'timed-out',
      message: 'cp-1 (127.0.45.1): etcd did not forfeit leadership within 0.05 s: is it running?',
    })
    await vi.waitFor(() => expect(nodes[0]!.connections).toBe(0), patience)
  })

  test('can be asked for later where there is no quorum', async () => {
    const { talos, nodes } = await boot(...controlPlanes(3))
    nodes[1]!.cutPower()
    nodes[2]!.cutPower()
    expect(await refusal(talos.forfeitLeadership('cp-1', soon()))).toMatchObject({ code: 'timed-out', retryable: true })
  })
})

describe('a pull', () => {
  const image = imageOf('v1.13.10')

  test.each([500, 502, 503, 504, 429, 'refused', 'no name', 'slow'] as const)(
    'that fails by a registry’s %s can be tried again, and succeeds then',
    async (registry) => {
      const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.18' })
      node.faults.registry = registry
      expect(await refusal(talos.pullImage('w-1', image, soon()))).toMatchObject({ retryable: true })
      await talos.pullImage('w-1', image, soon())
    },
  )

  test.each([400, 401, 403] as const)('that a registry refuses with %i is rejected', async (registry) => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.18' })
    node.faults.registry = registry
    expect(await refusal(talos.pullImage('w-1', image, soon()))).toMatchObject({ code: 'rejected' })
  })

  test('can be tried again where containerd is not up yet', async () => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.18', pace: { containerd: 10 } })
    node.faults.containerdDown = true
    expect(await refusal(talos.pullImage('w-1', image, soon()))).toMatchObject({ code: 'timed-out' })
    node.faults.containerdDown = false
    await talos.pullImage('w-1', image, soon())
  })
})

describe('an installer', () => {
  test('that crashes is not said to have found the configuration invalid', async () => {
    const { talos, node } = await boot({ name: 'w-1', address: '127.0.45.19', version: 'v1.14.0' })
    await talos.pullImage('w-1', imageOf('v1.14.1'), soon())
    node.faults.installerPanics = true
    expect(await refusal(talos.install('w-1', imageOf('v1.14.1'), soon()))).toMatchObject({
      code: 'rejected',
      message:
        'the installer on w-1 exited with code 2: it crashed; its last output: ' +
        'panic: runtime error: invalid memory address or nil pointer dereference',
    })
    node.faults.installerExit = 2
    expect(await refusal(talos.install('w-1', imageOf('v1.14.1'), soon()))).toMatchObject({ code: 'misconfigured' })
  })
})

describe('an upgrade of Talos’ own', () => {
  test('of one of two control planes is rejected, and of one beside a silent one can be tried later', async () => {
    const two = await boot(...controlPlanes(2))
    const of = (talos: typeof two.talos) =>
      refusal(talos.installAndReboot('cp-1', { image: imageOf('v1.14.0'), mode: 'default' }, soon()))
    expect(await of(two.talos)).toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('etcd member count(2) is insufficient'),
    })
    await two[Symbol.asyncDispose]()
    const three = await boot(...controlPlanes(3))
    three.nodes[2]!.cutPower()
    expect(await of(three.talos)).toMatchObject({ code: 'timed-out', message: expect.stringContaining('not healthy') })
  })
})

describe('a kubeconfig', () => {
  const text = 'apiVersion: v1\nkind: Config\n# ä\n'

  test('comes from a control plane', async () => {
    const { talos } = await boot({ name: 'cp-1', address: '127.0.45.1', kubeconfig: () => text })
    expect(await talos.kubeconfig('cp-1', soon())).toBe(text)
  })

  test('is not to be had from a worker, nor without os:admin', async () => {
    const { talos, as } = await boot(
      { name: 'cp-1', address: '127.0.45.1', kubeconfig: () => text },
      { name: 'w-1', address: '127.0.45.17' },
    )
    expect(await refusal(talos.kubeconfig('w-1', soon()))).toMatchObject({
      code: 'rejected',
      message: 'w-1 (127.0.45.17): kubeconfig is only available on control plane nodes',
    })
    expect((await refusal((await as(['os:operator'])).kubeconfig('cp-1', soon()))).message).toBe(
      'cp-1 (127.0.45.1): fetching the kubeconfig needs os:admin; the talosconfig has os:operator',
    )
    const stranger = await createAuthority('talos')
    expect((await refusal((await as(['os:admin'], { ca: stranger.ca })).kubeconfig('cp-1', soon()))).code).toBe(
      'misconfigured',
    )
  })
})
