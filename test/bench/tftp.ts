import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import { bootLimits } from '../../src/services/boot-files/limits.ts'
import { startChild } from '../../src/services/boot-files/process.ts'
import { startTftpd, whyNoTftpd } from '../lab/tftpd.ts'
import { goal, median, residentMb, say, sleep, worst } from './measure.ts'
import { measureGuard } from './tftp-guard.ts'

const run = promisify(execFile)
const net = '127.0.121'
const rounds = Number(process.env['ROUNDS'] ?? 5)
const size = 100_000_001
const name = 'boot.efi'

/** A TFTP server on an address of its own. */
interface Peer {
  readonly name: string
  readonly address: string
  readonly port: number
}

interface Way {
  readonly block: number
  readonly window: number
  /** How long the client thinks before it answers, in µs. */
  readonly thinks?: number
  readonly loses?: number
}

interface Took {
  readonly ms: number
  /** Packets that came, over those that were needed, less 1. */
  readonly extra: number
}

/**
 * Our TFTP server beside those of Debian: the same client, which compares every byte, the same file, in turns. Needs cc, root
 * and an address beside loopback (tftpd-hpa asks for one); peers that are missing are left out, with a word.
 */
export async function measureTftp(stack: AsyncDisposableStack): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'caretaker-tftp-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  await writeFile(join(folder, name), randomBytes(size))
  const client = join(folder, '.client')
  await run('cc', ['-O2', '-o', client, fileURLToPath(new URL('tftp-client.c', import.meta.url))])
  const fetch = fetchWith(client, join(folder, name))
  const { ours, pid } = await startOurs(folder, stack)
  const idle = await residentMb(pid)
  const [hpa, dnsmasq, atftpd] = [
    await startHpa(folder, stack),
    startDnsmasq(folder, stack),
    await startAtftpd(folder, stack),
  ]
  await sleep(1_000)
  const all = [ours, hpa, dnsmasq, atftpd].filter((peer) => peer !== undefined)
  const compare = comparing(fetch)

  const lockStep = await compare('1468 bytes, 1 at once', all, { block: 1_468, window: 1 })
  ratio(lockStep, 'tftpd-hpa', 0.75)
  const windows = await compare('1468 bytes, 4 at once', all, { block: 1_468, window: 4 })
  ratio(windows, 'tftpd-hpa', 1.1)
  ratio(windows, 'atftpd', 0.85)
  const slow = await compare('… and 300 µs until it answers', all, { block: 1_468, window: 4, thinks: 300 })
  ratio(slow, 'tftpd-hpa', 3)
  const lossy = await compare(
    '… and 0.1 % lost',
    [ours, hpa].filter((peer) => peer !== undefined),
    {
      block: 1_468,
      window: 4,
      loses: 0.001,
    },
  )
  ratio(lossy, 'tftpd-hpa', 15)
  const { extra } = lossy.get('ours')!
  say('  packets too many', `${(extra * 100).toFixed(2)} % ${goal('≤ 2 %', extra <= 0.02)}`)
  await measureMany(fetch, ours, { pid, idle })
  await measureGuard((at, from) => fetch(at, { block: 1_468, window: 4 }, from), join(folder, name), stack)
}

/** `from`: the address that is asked from. */
type Fetch = (peer: Pick<Peer, 'address' | 'port'>, way: Way, from?: string) => Promise<Took>

function fetchWith(client: string, file: string): Fetch {
  let seed = 0
  return async ({ address, port }, { block, window, thinks = 0, loses = 0 }, from) => {
    seed += 1
    const numbers = [block, window, thinks, loses, seed].map(String)
    const words = [address, String(port), name, file, ...numbers, 'edk2']
    const env = from === undefined ? {} : { FROM: from }
    const { stdout } = await run(client, words, { timeout: 300_000, env })
    const { ms, blocks, packets } = JSON.parse(stdout) as { ms: number; blocks: number; packets: number }
    return { ms, extra: packets / blocks - 1 }
  }
}

/** In turns, so that what else happens here befalls all of them. */
function comparing(fetch: Fetch) {
  return async (title: string, peers: readonly Peer[], way: Way): Promise<ReadonlyMap<string, Took>> => {
    const took = new Map<string, Took[]>(peers.map((peer) => [peer.name, []]))
    // Minutes each, and the same each time: a second between two packets.
    const times = way.loses === undefined ? rounds : 1
    for (let round = 0; round < rounds; round += 1)
      for (const peer of peers)
        if (peer.name === 'ours' || round < times) took.get(peer.name)!.push(await fetch(peer, way))
    const medians = new Map(
      [...took].map(([peer, some]) => [
        peer,
        { ms: median(some.map(({ ms }) => ms)), extra: median(some.map(({ extra }) => extra)) },
      ]),
    )
    const shown = [...medians].map(([peer, { ms }]) => `${peer} ${(size / 1_000 / ms).toFixed(1)} MB/s`)
    say(title, shown.join(', '))
    return medians
  }
}

function ratio(took: ReadonlyMap<string, Took>, peer: string, least: number): void {
  const [ours, other] = [took.get('ours'), took.get(peer)]
  if (!ours || !other) return
  const times = other.ms / ours.ms
  say('', `${times.toFixed(2)} x ${peer} ${goal(`≥ ${least} x`, times >= least)}`)
}

/** Twenty machines at once, as after a power cut. */
async function measureMany(
  fetch: Fetch,
  ours: Peer,
  { pid, idle }: { readonly pid: number; readonly idle: number },
): Promise<void> {
  let most = idle
  const looking = setInterval(() => {
    residentMb(pid).then(
      (now) => (most = Math.max(most, now)),
      () => {},
    )
  }, 50)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const took = await Promise.all(Array.from({ length: 20 }, () => fetch(ours, { block: 1_468, window: 4 })))
  delay.disable()
  clearInterval(looking)
  const times = took.map(({ ms }) => ms)
  const fair = worst(times) / Math.min(...times)
  const lag = delay.percentile(99) / 1e6 - 5
  say(
    '20 machines at once',
    `all of them, ${(worst(times) / 1_000).toFixed(1)} s; the last one ${fair.toFixed(2)} x the first ${goal('≤ 2 x', fair <= 2)}`,
  )
  say(
    '  memory above idle',
    `${(most - idle).toFixed(1)} MB above ${idle.toFixed(1)} MB ${goal('≤ 60 MB', most - idle <= 60)}`,
  )
  say('  lag of whoever started it', `p99 ${lag.toFixed(1)} ms ${goal('≤ 50 ms', lag <= 50)}`)
}

async function startOurs(root: string, stack: AsyncDisposableStack): Promise<{ ours: Peer; pid: number }> {
  const [address, port] = [`${net}.1`, 6_969]
  const program = new URL('../../src/services/boot-files/child.ts', import.meta.url)
  const limits = { ...bootLimits, perAddress: 64, burst: 1_000 }
  const order = {
    root,
    places: [{ address, family: 'IPv4' as const }],
    tftp: port,
    http: undefined,
    tls: undefined,
    images: [],
    limits,
  }
  const child = await startChild(program, order, {
    event: () => {},
    ending: () => {},
    refusals: () => {},
    failed: (text) => say('ours', text),
  })
  if ('fault' in child) throw new Error(child.fault.text)
  stack.use(child)
  return { ours: { name: 'ours', address, port }, pid: await ownChild() }
}

async function ownChild(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  return Number(children.trim().split(' ')[0])
}

async function startHpa(folder: string, stack: AsyncDisposableStack): Promise<Peer | undefined> {
  const why = whyNoTftpd()
  if (why !== undefined) return leftOut(why)
  const peer = { name: 'tftpd-hpa', address: `${net}.2`, port: 6_970 }
  stack.use(await startTftpd(folder, peer.address, peer.port))
  return peer
}

function startDnsmasq(folder: string, stack: AsyncDisposableStack): Peer | undefined {
  const address = `${net}.3`
  const options = [
    `--tftp-root=${folder}`,
    '--enable-tftp',
    '--port=0',
    '--bind-interfaces',
    `--listen-address=${address}`,
  ]
  const parameters = ['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root', ...options]
  return startPeer('/usr/sbin/dnsmasq', parameters, { name: 'dnsmasq', address, port: 69 }, stack)
}

async function startAtftpd(folder: string, stack: AsyncDisposableStack): Promise<Peer | undefined> {
  const [address, port] = [`${net}.4`, 6_971]
  const program = await findAtftpd(stack).catch((error: unknown) => leftOut(`atftpd: ${messageOf(error)}`))
  if (program === undefined) return undefined
  const parameters = ['--daemon', '--no-fork', '--port', String(port), '--bind-address', address, '--user', 'root']
  return startPeer(program, [...parameters, '--group', 'root', folder], { name: 'atftpd', address, port }, stack)
}

/**
 * $ATFTPD, or the one that is installed. Debian lets nobody install it beside tftpd-hpa, so that it is unpacked in a folder of its own
 * otherwise. @throws where the package can't be had
 */
async function findAtftpd(stack: AsyncDisposableStack): Promise<string> {
  const installed = process.env['ATFTPD'] ?? '/usr/sbin/atftpd'
  if (process.env['ATFTPD'] !== undefined || existsSync(installed)) return installed
  const cwd = await mkdtemp(join(tmpdir(), 'caretaker-atftpd-'))
  stack.defer(() => rm(cwd, { recursive: true, force: true }))
  // apt fetches as a user of its own, which may not write into our folder.
  await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', 'atftpd'], { cwd, timeout: 60_000 })
  const packages = (await readdir(cwd)).filter((file) => file.endsWith('.deb'))
  await run('dpkg-deb', ['-x', join(cwd, packages[0]!), cwd])
  return join(cwd, installed)
}

function startPeer(
  program: string,
  parameters: readonly string[],
  peer: Peer,
  stack: AsyncDisposableStack,
): Peer | undefined {
  if (!existsSync(program)) return leftOut(`${program} is missing`)
  const child = spawn(program, parameters, { stdio: 'ignore' })
  stack.defer(() => void child.kill('SIGKILL'))
  return peer
}

function leftOut(why: string): undefined {
  say('left out', why)
}
