import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { Entry } from '../../src/core/journal.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { watchReleases } from './rollout-lab.ts'
import { type ConfigOverrides, type Homelab, homelabSchematicId, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

interface Scene {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly directory: string
  start(): Promise<LabDaemon>
}

/** A homelab with a small control plane, and a UPS. */
async function setScene(stack: AsyncDisposableStack, net: number, overrides: ConfigOverrides = {}): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-killed-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const lab = stack.use(
    await startHomelab({
      net,
      versions: ['v1.13.9', 'v1.14.1'],
      pace: { install: 600, stop: 400, boot: 600, settle: 300 },
    }),
  )
  const config = await lab.writeConfig(directory, { ups: { host: upsd.address, port: upsd.port }, ...overrides })
  return { lab, upsd, directory, start: async () => stack.use(await startDaemon({ config, directory })) }
}

const status = (daemon: LabDaemon) => daemon.control.get<StatusAnswer>('/status')
const isDone = async (daemon: LabDaemon) => {
  const { cluster } = await status(daemon)
  return cluster.nodes.every(
    ({ talos, kubernetes }) =>
      talos.ok && talos.value.version === 'v1.14.1' && kubernetes.ok && !kubernetes.value.unschedulable,
  )
}

test('killed in the middle of a download, the next agent asks for the rest of it and publishes the whole image', async () => {
  await using stack = new AsyncDisposableStack()
  const { lab, directory, start } = await setScene(stack, 62, {
    upgrade: { enabled: false },
    share: { publish: 'when-staged' },
  })
  lab.factory.faults.redirect = true // where ranges are served
  lab.factory.faults.trickleAfterBytes = 50_000
  const first = await start()
  const part = join(
    directory,
    'share',
    'talos',
    'v1.14.1',
    homelabSchematicId.slice(0, 12),
    '.metal-amd64-uki.efi.part',
  )
  await waitFor('a part of the image', 20_000, async () => {
    if ((await readFile(part).catch(() => Buffer.alloc(0))).length > 20_000) return true
    // The first look finds no node on a machine that is busy, and the next would be in two minutes.
    await watchReleases(first)
    return false
  })
  await first.kill()
  lab.factory.faults.trickleAfterBytes = undefined
  const second = await start()
  await waitFor(
    'the image to be published',
    30_000,
    async () => (await status(second)).published?.version === 'v1.14.1',
  )
  const image = await readFile(join(directory, 'share', 'metal-amd64-uki.efi'))
  expect(image.equals(lab.factory.imageBytes(homelabSchematicId, 'v1.14.1', 'metal-amd64-uki.efi'))).toBe(true)
  expect(lab.factory.requests.some(({ range }) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true)
  expect(await readFile(part).catch(() => 'gone')).toBe('gone')
})

test('killed in the middle of a rollout, the next agent finishes it, with one reboot a node and quorum held', async () => {
  await using stack = new AsyncDisposableStack()
  const { lab, start } = await setScene(stack, 63)
  const rolloutAt = lab.moments.length
  const first = await start()
  // Once while a worker installs, and once while a control plane is away.
  await waitFor('the first worker to be installed', 40_000, () =>
    lab.nodes.some(({ calls }) => calls.some(({ method }) => method === 'LifecycleService.Upgrade')),
  )
  await first.kill()
  const second = await start()
  await waitFor('a control plane to be away', 60_000, () =>
    lab.nodes.some((node) => node.role === 'controlplane' && !node.answering),
  )
  await second.kill()
  const third = await start()
  await waitFor('the rollout to be done', 60_000, () => isDone(third))
  for (const node of lab.nodes)
    expect(node.calls.filter(({ method }) => method === 'MachineService.Reboot').length, node.name).toBe(1)
  expect(lab.moments.slice(rolloutAt).every(({ quorum, down }) => quorum && down.length <= 1)).toBe(true)
})

test('killed in the middle of a shutdown and of the way back, the next agents end both', async () => {
  await using stack = new AsyncDisposableStack()
  const { lab, upsd, start } = await setScene(stack, 64, { upgrade: { enabled: false } })
  const first = await start()
  await waitFor(
    'the agent to know of mains',
    20_000,
    async () => (await status(first)).power.upses[0]?.state.mode === 'on-mains',
  )
  await upsd.set('battery.runtime', '600')
  await upsd.status('OB DISCHRG LB')
  await waitFor('the first node to be off', 30_000, () => lab.nodes.some(({ power }) => power === 'off'))
  await first.kill()
  const second = await start()
  await waitFor('every node to be off', 60_000, () => lab.nodes.every(({ power }) => power === 'off'))
  expect(lab.poweredOff.slice(0, 2).toSorted()).toEqual(['w-1', 'w-2'])
  await upsd.status('OL CHRG')
  await waitFor('the first node to be on', 30_000, () => lab.nodes.some(({ power }) => power === 'on'))
  await second.kill()
  const third = await start()
  await waitFor(
    'the outage to be over',
    60_000,
    async () => (await third.control.list<Outage>('/outages'))[0]?.stage === 'over',
  )
  const { cluster } = await status(third)
  expect(
    cluster.nodes.map(({ kubernetes }) => kubernetes.ok && kubernetes.value.ready && !kubernetes.value.unschedulable),
  ).toEqual([true, true, true, true, true])
})

test('a queue store that a power cut has damaged keeps nobody from guarding the power', async () => {
  await using stack = new AsyncDisposableStack()
  const { lab, upsd, directory, start } = await setScene(stack, 66, { upgrade: { enabled: false } })
  const files = join(directory, 'state', 'queue', 'appendonlydir')
  await mkdir(files, { recursive: true })
  await writeFile(join(files, 'appendonly.aof.manifest'), Buffer.alloc(100))
  const daemon = await start()
  await waitFor(
    'the agent to know of mains',
    20_000,
    async () => (await status(daemon)).power.upses[0]?.state.mode === 'on-mains',
  )
  await upsd.set('battery.runtime', '600')
  await upsd.status('OB DISCHRG LB')
  await waitFor('every node to be off', 30_000, () => lab.nodes.every(({ power }) => power === 'off'))
  await upsd.status('OL CHRG')
  await waitFor(
    'the outage to be over',
    40_000,
    async () => (await daemon.control.list<Outage>('/outages'))[0]?.stage === 'over',
  )
  const journal = await daemon.control.list<Entry>('/journal?limit=1000')
  expect(journal.some(({ kind, text }) => kind === 'alert' && text.includes('did not start'))).toBe(true)
  expect(await daemon.stop()).toBe(0)
})
