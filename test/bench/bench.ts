// The agent's figures, each with a peer beside it in the same run: `npm run bench`. Absolute numbers are this machine's;
// the ratios are what to compare.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StatusAnswer } from '../../src/control/protocol.ts'
import { endStore, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { homelabSchematicId, startHomelab } from '../lab/homelab.ts'
import { kernelCommandLine, writeUki } from '../lab/uki-writer.ts'
import { startUpsd } from '../lab/upsd.ts'

const megabytes = 100
const rounds = 5
const root = fileURLToPath(new URL('../..', import.meta.url))
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
const say = (name: string, text: string) => console.log(`${name.padEnd(34)}${text}`)
const clock = async (action: () => Promise<unknown>) => {
  const beganAt = performance.now()
  await action()
  return performance.now() - beganAt
}

if (!existsSync(join(root, 'dist'))) spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
await using stack = new AsyncDisposableStack()
const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
stack.defer(() => rm(directory, { recursive: true, force: true }))
stack.defer(() => endStore(directory))

const commandLine = kernelCommandLine({ version: 'v1.14.1', arch: 'amd64', platform: 'metal' })
// One image for every round: the Factory gives it out under several releases, and each must say its own.
const versions = Array.from({ length: rounds }, (_, round) => `v1.14.${round + 1}`)
const files: Record<string, string> = {}
for (const version of versions) {
  files[version] = join(directory, `${version}.efi`)
  await writeFile(files[version], writeUki({ version, cmdline: commandLine, fillBytes: megabytes * 1_000_000 }))
}
const upsd = stack.use(await startUpsd({ address: '127.0.80.93' }))
const lab = stack.use(
  await startHomelab({
    net: 80,
    versions: ['v1.13.9', ...versions],
    files,
    pace: { stop: 100, boot: 200, settle: 100 },
  }),
)
const config = await lab.writeConfig(directory, {
  ups: { host: upsd.address, port: upsd.port },
  upgrade: { enabled: false, soak: '365d' },
  // Too little time for anything but telling every node: what is measured is the way from upsd to the first order.
  power: {
    pollOnMains: '5s',
    pollOnBattery: '1s',
    onBatteryAfter: '0s',
    lowBatteryAfter: '0s',
    minimumRuntime: '0s',
    nodeStops: '10s',
    reserve: '60s',
  },
})
const daemon = await startDaemon({ config, directory, pollEvery: 200 })
stack.defer(async () => void (await daemon.stop()))
const status = () => daemon.control.get<StatusAnswer>('/status')
await waitFor('the first image', 30_000, async () => (await status()).published !== undefined)

console.log(`${cpus().length} cores, Node ${process.version}, ${megabytes} MB image, ${rounds} rounds; medians\n`)

// Memory and CPU of a daemon that has nothing to do.
const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
stack.defer(() => void bare.kill())
const idleSeconds = 20
const cpuBefore = await cpuSeconds(daemon.pid)
await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000))
const cpu = ((await cpuSeconds(daemon.pid)) - cpuBefore) / idleSeconds
const [ours, empty] = [await residentMb(daemon.pid), await residentMb(bare.pid!)]
say('idle RSS', `${ours.toFixed(0)} MB, bare Node ${empty.toFixed(0)} MB: ${(ours / empty).toFixed(1)} x`)
say('idle CPU', `${(cpu * 100).toFixed(2)} % of a core (5 nodes, UPS every 5 s)`)

// A question from the command line, until its process has ended.
const cold: number[] = []
const nodes: number[] = []
for (let round = 0; round < rounds * 2; round++) {
  cold.push(await clock(() => runCli(['status', '--json', '-c', config])))
  nodes.push(await clock(async () => void spawnSync(process.execPath, ['-e', '0'])))
}
say(
  '`status`, cold',
  `${median(cold).toFixed(0)} ms, \`node -e 0\` ${median(nodes).toFixed(0)} ms: ${(median(cold) / median(nodes)).toFixed(1)} x`,
)

// Bringing an image onto the share, beside the script that people have for it.
const staging: number[] = []
const script: number[] = []
for (const version of versions) {
  script.push(
    await clock(
      () =>
        new Promise((resolve) => {
          const url = `${lab.factory.url}/image/${homelabSchematicId}/${version}/metal-amd64-uki.efi`
          const line = `curl -sS -o '${directory}/by-hand.part' '${url}' && sha256sum '${directory}/by-hand.part' && sync '${directory}/by-hand.part' && mv '${directory}/by-hand.part' '${directory}/by-hand.efi'`
          spawn('sh', ['-c', line], { stdio: 'ignore' }).once('exit', resolve)
        }),
    ),
  )
  staging.push(await clock(() => daemon.control.post(`/stage?version=${version}&wait=true`)))
}
const image = await readFile(
  join(directory, 'share', 'talos', versions.at(-1)!, homelabSchematicId.slice(0, 12), 'metal-amd64-uki.efi'),
)
if (!image.equals(await readFile(files[versions.at(-1)!]!)))
  throw new Error('the staged image is not the one that was served')
say(
  `staging ${megabytes} MB`,
  `${median(staging).toFixed(0)} ms (checked), curl + sha256sum + sync + mv ${median(script).toFixed(0)} ms: ${(median(staging) / median(script)).toFixed(2)} x`,
)

// From OB LB at upsd, when already on battery, to the first Shutdown call at a node.
const latencies: number[] = []
for (let round = 0; round < rounds; round++) {
  await upsd.set('battery.runtime', '30')
  await upsd.status('OB DISCHRG')
  await waitFor('the agent to be on battery', 15_000, async () => (await status()).power.state.mode === 'on-battery')
  const before = calls()
  const at = Date.now()
  await upsd.status('OB DISCHRG LB')
  await waitFor('the first order', 20_000, () => calls() > before)
  latencies.push(firstCall(before) - at)
  await waitFor('all to be off', 30_000, () => lab.nodes.every(({ power }) => power === 'off'))
  await upsd.status('OL CHRG')
  await waitFor(
    'all to be back',
    60_000,
    async () => lab.nodes.every(({ ready }) => ready) && (await status()).outage === undefined,
  )
}
say(
  'OB LB to the first Shutdown',
  `${median(latencies).toFixed(0)} ms, longest ${Math.max(...latencies).toFixed(0)} ms (upsd is asked every 1000 ms on battery)`,
)

function calls(): number {
  return lab.nodes.reduce(
    (sum, node) => sum + node.calls.filter(({ method }) => method === 'MachineService.Shutdown').length,
    0,
  )
}
function firstCall(skip: number): number {
  const all = lab.nodes.flatMap((node) =>
    node.calls.filter(({ method }) => method === 'MachineService.Shutdown').map(({ at }) => at),
  )
  return all.toSorted((a, b) => a - b)[skip]!
}
async function residentMb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024
}
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / Number(execFileSync('getconf', ['CLK_TCK']).toString())
}
