// The product's main job, told as a story on a homelab of wire-level stand-ins: `npm run demo`.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { StatusAnswer } from '../../src/control/protocol.ts'
import type { Entry } from '../../src/core/journal.ts'
import type { Outage } from '../../src/core/outage.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from './daemon.ts'
import { homelabSchematicId, startHomelab } from './homelab.ts'
import { isUpsdInstalled, type LabUpsd, startUpsd } from './upsd.ts'
import { startUpsdStandIn } from './upsd-stand-in.ts'

const beganAt = performance.now()
const before = 'v1.13.9'
const after = 'v1.14.1'
const say = (text: string) => console.log(text)
const scene = (text: string) => say(`\n${styleText('bold', `── ${text}`)}`)
const clock = () => `${((performance.now() - beganAt) / 1_000).toFixed(1).padStart(5)} s`

const directory = await mkdtemp(join(tmpdir(), 'caretaker-demo-'))
let shown = 0
let daemon: LabDaemon | undefined

/** The agent's own words, from its journal, as they come. */
async function tell(): Promise<void> {
  const entries = (await daemon?.control.get<Entry[]>('/journal?limit=200').catch(() => [])) ?? []
  for (const { id, kind, text } of entries.toReversed()) {
    if (id <= shown) continue
    shown = id
    if (kind === 'step' && /^(settle|await etcd|log out|note|await kubernetes)/.test(text)) continue
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

scene('A homelab of stand-ins: 3 control planes, 2 workers, an Image Factory, a Kubernetes API and a UPS')
const lab = stack.use(
  await startHomelab({
    net: 60,
    version: before,
    versions: [before],
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
const config = await lab.writeConfig(directory, {
  ups: { host: upsd.address, port: upsd.port, user: 'monuser', password: 'secret' },
  upgrade: { soak: '2s', settle: '200ms' },
  power: { drain: '3s' },
})
const start = async () => (daemon = await startDaemon({ config, directory }))
stack.defer(async () => void (await daemon?.stop()))

scene('The daemon starts, and stages what the nodes run, so that a new machine would boot the same')
await start()
await until('the first image', async () => (await status()).published?.version === before)

scene(`The Factory publishes ${after}; it has to soak for a while (2 s here, 7 d by default), then it is staged`)
lab.factory.publish('v1.14.0')
lab.factory.publish(after)
await daemon!.control.post('/jobs/watch-releases/run')
await until('the new image', async () => (await status()).published?.version === after)
const rolloutAt = lab.moments.length

scene('One node after the other is drained, upgraded and checked, workers first, the etcd leader last')
await until('three nodes to be upgraded', () => lab.nodes.filter(({ version }) => version === after).length >= 3)

scene('The power fails in the middle of it: first on battery, then the battery is low')
const quorumKept = lab.moments.slice(rolloutAt).every(({ quorum }) => quorum)
await upsd.status('OB DISCHRG')
await until('the agent to know', async () => (await status()).power.state.mode === 'on-battery', 10_000)
await upsd.set('battery.runtime', '400')
await upsd.status('OB DISCHRG LB')
await until('the first node to go down', () => lab.nodes.some(({ power }) => power === 'off'))

scene('To make it worse the agent is killed now (kill -9), and started again')
await daemon!.kill()
await start()
await until('every node to be off', () => lab.nodes.every(({ power }) => power === 'off'))

scene('Mains is back: magic packets, control planes first, Ready, uncordoned; then the rollout goes on')
await upsd.set('battery.charge', '60')
await upsd.status('OL CHRG')
const backAt = performance.now()
await until('every node to be ready', () => lab.nodes.every(({ ready }) => ready))
await until('the outage to be over', async () => (await outages())[0]?.stage === 'over')
const cameBack = (performance.now() - backAt) / 1_000
await until(
  'the rollout to be done',
  async () =>
    lab.nodes.every(({ version }) => version === after) &&
    (await status()).cluster.nodes.every(({ kubernetes }) => kubernetes.ok && !kubernetes.value.unschedulable),
)

scene('Summary')
const image = await readFile(join(directory, 'share', 'metal-amd64-uki.efi'))
const identical = image.equals(lab.factory.imageBytes(homelabSchematicId, after, 'metal-amd64-uki.efi'))
const reboots = lab.nodes.map((node) => node.calls.filter(({ method }) => method === 'MachineService.Reboot').length)
const checks: [boolean, string][] = [
  [identical, `the share serves ${after}, byte for byte what the Factory built (${image.length} bytes)`],
  [lab.nodes.every(({ version, ready }) => version === after && ready), `every node runs ${after} and is ready`],
  [reboots.every((count) => count === 1), `each node was rebooted once (${reboots.join(', ')})`],
  [quorumKept, 'etcd kept its quorum at every instant of the rollout'],
  [
    lab.poweredOff.length === 5 && lab.poweredOff.slice(0, 2).every((name) => name.startsWith('w-')),
    `nodes went off in this order: ${lab.poweredOff.join(', ')}; the agent was killed in the middle of it`,
  ],
  [
    lab.woken.length > 0,
    `${new Set(lab.woken).size} machines were woken by magic packets; all were back ${cameBack.toFixed(1)} s after mains`,
  ],
]
for (const [ok, text] of checks) say(`  ${ok ? styleText('green', '✓') : styleText('red', '✗')} ${text}`)
say(`  the whole story took ${((performance.now() - beganAt) / 1_000).toFixed(0)} s`)
process.exitCode = checks.every(([ok]) => ok) ? 0 : 1

function status(): Promise<StatusAnswer> {
  return daemon!.control.get<StatusAnswer>('/status')
}
function outages(): Promise<Outage[]> {
  return daemon!.control.get<Outage[]>('/outages')
}
