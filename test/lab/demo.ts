// The product's main job, told as a story on a homelab of wire-level stand-ins: `npm run demo`.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { PlanAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { InventoryNode } from '../../src/core/provision/inventory.ts'
import type { StagedImage } from '../../src/core/release/image.ts'
import type { Entry } from '../../src/core/journal.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import { phoneScreen } from './demo-phone.ts'
import { savedSnapshot } from './demo-snapshot.ts'
import { codeOnScreen, createNewcomer, isNodeOf, newcomerIn, prepareNewcomer } from './demo-newcomer.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from './daemon.ts'
import { homelabSchematicId, replicasOf, startHomelab } from './homelab.ts'
import { startNtfy } from './notify/ntfy.ts'
import type { NtfyMessage } from './notify/ntfy-publish.ts'
import type { TalosNode } from './talos/types.ts'
import { isUpsdInstalled, type LabUpsd, startUpsd } from './upsd/upsd.ts'
import { startUpsdStandIn } from './upsd/stand-in.ts'

const beganAt = performance.now()
const before = 'v1.13.9'
const after = 'v1.14.1'
const say = (text: string) => console.log(text)
const scene = (text: string) => say(`\n${styleText('bold', `── ${text}`)}`)
const clock = () => `${((performance.now() - beganAt) / 1_000).toFixed(1).padStart(5)} s`

const directory = await mkdtemp(join(tmpdir(), 'caretaker-demo-'))
let shown = 0
let told = ''
let daemon: LabDaemon | undefined

/** The agent's own words, from its journal, as they come. */
async function tell(): Promise<void> {
  const entries = (await daemon?.control.list<Entry>('/journal?limit=200').catch(() => [])) ?? []
  for (const { id, kind, text } of entries.toReversed()) {
    if (id <= shown) continue
    shown = id
    if (kind === 'step' && /^(failed|wait for|wait until etcd|log out|record|mark)/.test(text)) continue
    // An alert is an event as well.
    if (text === told) continue
    told = text
    say(`  ${clock()}  ${kind === 'alert' ? styleText('red', text) : kind === 'step' ? styleText('gray', text) : text}`)
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 40_000): Promise<void> {
  await waitFor(what, withinMs, async () => {
    await tell()
    return isSo()
  })
  await tell()
}

await using stack = new AsyncDisposableStack()
stack.defer(() => rm(directory, { recursive: true, force: true }))
stack.defer(() => endStore(directory))

scene('A homelab of stand-ins: 3 control planes, 2 workers, a NAS, an Image Factory, a Kubernetes API and a UPS')
const lab = stack.use(
  await startHomelab({
    net: 60,
    version: before,
    versions: [before],
    nas: true,
    pace: { pull: 200, install: 400, stop: 300, boot: 700, settle: 400 },
  }),
)
const upsd: LabUpsd = stack.use(
  isUpsdInstalled() ? await startUpsd({ address: '127.0.60.93' }) : await startUpsdStandIn({ address: '127.0.60.93' }),
)
say(`  Talos ${before} on ${lab.nodes.map(({ name, address }) => `${name} (${address})`).join(', ')}`)
say(
  `  the UPS is ${isUpsdInstalled() ? 'a real upsd with the dummy-ups driver' : 'a stand-in: nut-server is not installed'}`,
)
lab.kubernetes.addDeployment({ name: 'web', replicas: 3, labels: { app: 'web' } })
lab.kubernetes.addPodDisruptionBudget({ name: 'web', matchLabels: { app: 'web' }, minAvailable: 2 })
// Something that can be spared while the battery is used.
lab.kubernetes.addDeployment({ name: 'films', namespace: 'media', replicas: 2, labels: { tier: 'batch' } })
// A database of one pod whose budget never lets it go: the most common reason why a homelab's node can't be drained.
lab.kubernetes.addPod({ name: 'db-0', node: 'w-1', labels: { app: 'db' }, owner: { kind: 'StatefulSet', name: 'db' } })
lab.kubernetes.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 })
// And a node whose next boot falls back to the release before.
lab.node('w-2').faults.rollBack = true
// What a phone hears: here nothing has to reach the agent, because buttons come back by a topic of their own.
const ntfy = stack.use(await startNtfy({ address: '127.0.60.9' }))
const config = await lab.writeConfig(directory, {
  ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
  upgrade: { soak: '2s', settle: '200ms', drainTimeout: '5s', retryAfter: '1s' },
  power: { drainTimeout: '3s', shed: [{ selector: 'tier=batch' }], shedAfter: '0s' },
  notifications: {
    channels: { phone: { type: 'ntfy', server: ntfy.url, topic: 'homelab', commands: 'homelab-buttons' } },
  },
  machineConfig: { listen: ['127.0.60.90'], endpoint: 'https://127.0.60.100:6443' },
})
await prepareNewcomer(lab, directory)
/** Those that the story begins with. */
const nodes = [...lab.nodes]
const start = async () => (daemon = await startDaemon({ config, directory }))
stack.defer(async () => void (await daemon?.stop()))

scene('The daemon starts, and stages what the nodes run, so that a new machine would boot the same')
await start()
await until('the first image', async () => (await status()).published?.version === before)

scene(`The Factory publishes ${after}; it has to soak for a while (2 s here, 7 d by default), then it is staged`)
lab.factory.publish('v1.14.0')
lab.factory.publish(after)
await daemon!.control.post('/jobs/watch-releases/run')
await until('the new image', async () =>
  (await daemon!.control.get<StagedImage[]>('/staged')).some(({ version }) => version === after),
)
const rolloutAt = lab.moments.length

scene('All images are pulled, and the first node is drained; a disruption budget blocks one of its pods')
const { warnings } = await plan()
for (const warning of warnings) say(`  ${clock()}  caretaker plan says: ${warning}`)
await until('the pod to be named', async () => (await alerts()).some((text) => text.includes('db-0')))
const culprit = (await alerts()).find((text) => text.includes('db-0')) ?? ''

scene('The budget is deleted. One node after the other: workers first, a snapshot of etcd, its leader last')
lab.kubernetes.removePodDisruptionBudget('db')
await until('the rollout to be stuck', async () =>
  (await alerts()).some((text) => text.startsWith('the rollout is stuck: w-2 booted its previous release')),
)

scene(
  'w-2 has booted its previous release. It keeps working, and is tried again only when a person says so: caretaker retry w-2',
)
const retried = await runCli(['retry', 'w-2', '-c', config])
say(`  ${clock()}  caretaker retry says: ${retried.stdout.trim()}`)
await until('three nodes to be upgraded', () => lab.nodes.filter(({ version }) => version === after).length >= 3)

scene('The power fails in the middle of it: first on battery, then the battery is low')
const outageAt = lab.moments.length
await upsd.status('OB DISCHRG')
await until('the agent to know', async () => (await status()).power.upses[0]?.state.mode === 'on-battery', 10_000)
await until('what can be spared to be scaled down', () => replicasOf(lab) === 0, 10_000)
await until('the phone to be told', () => toldOf(/mains power failed/) !== undefined, 10_000)
say(`  ${clock()}  what the phone shows:`)
for (const line of phoneScreen(toldOf(/mains power failed/)!)) say(`  ${line}`)
const drawn = await runCli(['power', 'plan', '-c', config])
say(drawn.stdout.trimEnd().replaceAll(/^/gm, '  │ ').replaceAll(/ +$/gm, ''))
await upsd.set('battery.runtime', '400')
await upsd.set('battery.charge', '15')
await upsd.status('OB DISCHRG LB')
await until('the first node to go down', () => lab.nodes.some(({ power }) => power === 'off'))

scene('To make it worse, the agent is killed now (kill -9) and started again')
await daemon!.kill()
await start()
await until('everything to be off', () => lab.nodes.every(({ power }) => power === 'off') && lab.nas?.power === 'off')

scene(
  'Mains power is back: magic packets, the NAS first, then control planes, Ready, uncordoned; then the rollout continues',
)
await upsd.set('battery.charge', '60')
await upsd.status('OL CHRG')
const backAt = performance.now()
await until('every node to be ready', () => lab.nodes.every(({ ready }) => ready))
// etcd elects whom it likes; the story wants a leader that is still to be upgraded.
const elected = lab.etcd.leader()
if (elected !== undefined && lab.node(elected).version === after) lab.etcd.forfeit(elected)
const goesOnAt = lab.moments.length - 1
await until('the outage to be over', async () => (await outages())[0]?.stage === 'over')
const cameBack = (performance.now() - backAt) / 1_000
await until(
  'the rollout to be done',
  async () =>
    lab.nodes.every(({ version }) => version === after) &&
    (await status()).cluster.nodes.every(({ kubernetes }) => kubernetes.ok && !kubernetes.value.unschedulable) &&
    (await rollouts())[0]?.outcome !== undefined,
)

// What machines boot from the network follows once every node runs it.
await until('the share to serve it', async () => (await status()).published?.version === after)
await until('the phone to be told that it is over', () => toldOf(/the cluster is back/) !== undefined)
const aboutPower = ntfy.messages.filter(({ sequence_id: thread = '' }) => /-(power-failed|outage)$/.test(thread))

scene(
  'A new machine with an empty disk is switched on. It boots the image from the share, and asks for its configuration',
)
const { stdout: kept } = await runCli(['machine', 'secrets', join(directory, 'secrets.yaml'), '-c', config])
say(`  ${clock()}  caretaker machine secrets says: ${kept.trim()}`)
const machine = stack.use(createNewcomer(lab, after))
machine.powerOn()
await until('its code to be on its screen', () => codeOnScreen(machine) !== undefined)
await until('a person to be asked', async () => (await alerts()).some((text) => text.includes(codeOnScreen(machine)!)))
say(`  ${clock()}  its console shows the code ${codeOnScreen(machine)}, so it is the machine that asks`)
const hadNothing = machine.config === undefined
const approving = [
  'machine',
  'approve',
  codeOnScreen(machine)!,
  '--role',
  'worker',
  '--name',
  'w-3',
  '--yes',
  '-c',
  config,
]
const approved = await runCli(approving)
say(`  ${clock()}  caretaker machine approve says: ${approved.stdout.trim()}`)
await until('it to have joined', async () => (await newcomerIn(daemon!)).state === 'locked')
const { delivery } = await newcomerIn(daemon!)
const inventory = await daemon!.control.get<InventoryNode[]>('/inventory')
const seen = (await status()).cluster.nodes.find(({ name }) => name === 'w-3')

scene('Summary')
const image = await readFile(join(directory, 'share', 'metal-amd64-uki.efi'))
const identical = image.equals(lab.factory.imageBytes(homelabSchematicId, after, 'metal-amd64-uki.efi'))
const reboots = nodes.map((node) => node.calls.filter(({ method }) => method === 'MachineService.Reboot').length)
const [record] = await rollouts()
const failures = record?.nodes['w-2']?.failures ?? []
const snapshot = await savedSnapshot(record?.snapshot)
const quorums = [...lab.moments.slice(rolloutAt - 1, outageAt), ...lab.moments.slice(goesOnAt)]
const controlPlanes = lab.nodes
  .filter(({ role }) => role === 'controlplane')
  .toSorted((one, other) => calledAt(one, 'Reboot') - calledAt(other, 'Reboot'))
const handedOver = controlPlanes.filter((node) => calledAt(node, 'EtcdForfeitLeadership') < calledAt(node, 'Reboot'))
const checks: [boolean, string][] = [
  [identical, `the share serves ${after}, byte for byte what the Factory built (${image.length} bytes)`],
  [lab.nodes.every(({ version, ready }) => version === after && ready), `every node runs ${after} and is ready`],
  [
    warnings.some((text) => text.includes('default/db ') && text.includes('db-0 of StatefulSet db on w-1')),
    'caretaker plan had warned about what would block w-1',
  ],
  [culprit.includes('StatefulSet db') && culprit.includes('budget db'), `what blocked w-1 was named: ${culprit}`],
  [
    nodes.every(({ name }, index) => reboots[index] === (name === 'w-2' ? 2 : 1)),
    `each node was rebooted once, and w-2, which rolled back, once more when a person said so (${reboots.join(', ')})`,
  ],
  [
    record?.outcome === 'done' && failures.length === 1 && failures[0]!.includes('rolled back'),
    'the record of the rollout tells of that one rollback',
  ],
  [
    snapshot !== undefined &&
      snapshot.sha256 === snapshot.label.sha256 &&
      snapshot.at < calledAt(controlPlanes[0]!, 'Reboot'),
    `etcd was saved before its first member went: ${snapshot?.bytes} bytes, SHA-256 ${snapshot?.sha256.slice(0, 16)}… as the file beside it says`,
  ],
  [
    handedOver.length === 1 && handedOver[0] === controlPlanes.at(-1),
    `etcd's leader, ${handedOver.map(({ name }) => name).join(', ')}, was the last control plane, and forfeited its leadership before`,
  ],
  [
    quorums.every(({ quorum }) => quorum),
    'etcd kept its quorum throughout the rollout, before the power cut and after it',
  ],
  [
    lab.poweredOff.length === 6 &&
      lab.poweredOff.slice(0, 2).every((name) => name.startsWith('w-')) &&
      lab.poweredOff.at(-1) === 'nas',
    `machines went off in this order: ${lab.poweredOff.join(', ')}; the agent was killed in the middle of it`,
  ],
  [
    lab.woken.length > 0 && lab.woken[0] === lab.nas?.mac && lab.nas?.power === 'on',
    `${new Set(lab.woken).size} machines were woken by magic packets, the NAS first; all were back ${cameBack.toFixed(1)} s after mains power`,
  ],
  [
    aboutPower.length >= 4 && ntfy.shown('homelab').some(({ title = '' }) => title.startsWith('lab: over: ')),
    `the phone was told of the outage: ${[...new Set(aboutPower.map(({ title = '' }) => title.replace('lab: ', '')))].join(' → ')}`,
  ],
  [
    hadNothing && isNodeOf(lab, machine, { delivery, inventory, seen, version: after }),
    `the new machine got nothing before it was approved, then its configuration (SHA-256 ${delivery?.sha256.slice(0, 16)}…), and is a node: w-3 runs ${after}`,
  ],
  [replicasOf(lab) === 2, 'workloads that were shed on battery have as many replicas as before'],
]
for (const [ok, text] of checks) say(`  ${ok ? styleText('green', '✓') : styleText('red', '✗')} ${text}`)
say(`  the whole story took ${((performance.now() - beganAt) / 1_000).toFixed(0)} s`)
process.exitCode = checks.every(([ok]) => ok) ? 0 : 1

function status(): Promise<StatusAnswer> {
  return daemon!.control.get<StatusAnswer>('/status')
}
function plan(): Promise<PlanAnswer> {
  return daemon!.control.get<PlanAnswer>('/plan')
}
async function alerts(): Promise<string[]> {
  const entries = await daemon!.control.list<Entry>('/journal?limit=1000')
  return entries.flatMap(({ kind, text }) => (kind === 'alert' ? [text] : []))
}
function rollouts(): Promise<readonly Rollout[]> {
  return daemon!.control.list<Rollout>('/rollouts')
}
function outages(): Promise<readonly Outage[]> {
  return daemon!.control.list<Outage>('/outages')
}
function toldOf(title: RegExp): NtfyMessage | undefined {
  return ntfy.messages.find((message) => title.test(message.title ?? ''))
}
/** When the first such call came, in ms since the epoch; never is later than anything. */
function calledAt({ calls }: TalosNode, method: string): number {
  return calls.find((call) => call.method === `MachineService.${method}`)?.at ?? Infinity
}
