import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LabUpsd } from '../lab/upsd/upsd.ts'

/** The program itself: /sbin/upsmon is Debian's wrapper, which does nothing while nut.conf says MODE=none. */
const program = '/lib/nut/upsmon'

/** How a secondary's upsmon is set, in s. */
export interface UpsmonSettings {
  readonly name: string
  readonly pollFreq: number
  readonly pollFreqAlert: number
  readonly hostSync: number
  readonly deadTime: number
  readonly finalDelay: number
}

export const upsmonDefaults: UpsmonSettings = {
  name: 'upsmon',
  pollFreq: 5,
  pollFreqAlert: 5,
  hostSync: 15,
  deadTime: 15,
  finalDelay: 5,
}

/** No faster makes sense: it knows whole seconds only, and wants DEADTIME to be three times POLLFREQ. */
export const upsmonFastest: UpsmonSettings = {
  name: 'upsmon, fastest',
  pollFreq: 1,
  pollFreqAlert: 1,
  hostSync: 0,
  deadTime: 3,
  finalDelay: 0,
}

/** networkupstools/nut's own upsmon as a secondary. */
export interface Upsmon extends AsyncDisposable {
  readonly settings: UpsmonSettings
  /** Everything that it has said so far. */
  readonly output: string
  /** When it ran its SHUTDOWNCMD, ms since the epoch; undefined as long as it has not. */
  shutDownAt(): Promise<number | undefined>
}

/** Killed with a bench that is stopped half way, for they would outlive it. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function isUpsmonInstalled(): boolean {
  return existsSync(program)
}

/** Starts one; where it stands is in its output. Each has a /run of its own, for there its pid file keeps others out. */
export async function startUpsmon({ address, port, upsName, users }: LabUpsd, settings: UpsmonSettings) {
  const folder = await mkdtemp(join(tmpdir(), 'lab-upsmon-'))
  const stamp = join(folder, 'stamp')
  const { name, password } = users.secondary
  const kinds = ['ONLINE', 'ONBATT', 'LOWBATT', 'FSD', 'COMMOK', 'COMMBAD', 'SHUTDOWN', 'REPLBATT', 'NOCOMM']
  const lines = [
    `MONITOR ${upsName}@${address}:${port} 1 ${name} ${password} secondary`,
    'MINSUPPLIES 1',
    `SHUTDOWNCMD "date +%s%N > ${stamp}"`,
    `POLLFREQ ${settings.pollFreq}`,
    `POLLFREQALERT ${settings.pollFreqAlert}`,
    `HOSTSYNC ${settings.hostSync}`,
    `DEADTIME ${settings.deadTime}`,
    `FINALDELAY ${settings.finalDelay}`,
    // Of itself it also writes to every terminal.
    ...kinds.map((kind) => `NOTIFYFLAG ${kind} SYSLOG`),
  ]
  await writeFile(join(folder, 'upsmon.conf'), `${lines.join('\n')}\n`)
  await writeFile(join(folder, 'nut.conf'), 'MODE=netclient\n')
  const ownRun = `mount -t tmpfs tmpfs /run && mkdir /run/nut && exec ${program} -p -F`
  const namespace = process.getuid?.() === 0 ? ['-m'] : ['-m', '-r']
  const child = spawn('unshare', [...namespace, 'sh', '-c', ownRun], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NUT_CONFPATH: folder, NUT_STATEPATH: folder, NUT_ALTPIDPATH: folder },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.on('error', ({ message }) => (output += message))
  running.add(child)
  const upsmon: Upsmon = {
    settings,
    get output() {
      return output
    },
    shutDownAt: async () => {
      const text = await readFile(stamp, 'utf8').catch(() => '')
      return text.endsWith('\n') ? Number(BigInt(text.trim()) / 1_000_000n) : undefined
    },
    async [Symbol.asyncDispose]() {
      await end(child)
      running.delete(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return upsmon
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await ended
  clearTimeout(insist)
}
