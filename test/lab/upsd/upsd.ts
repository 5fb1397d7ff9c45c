import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, statusLine } from './session.ts'
import { createNssDatabase, type UpsdCertificates } from './tls.ts'
import { soon } from '../../patience.ts'

/** A upsd of the lab, whichever is behind it: what a test does to the power. */
export interface LabUpsd extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly upsName: 'ups'
  /** Resolves when the next reader sees the value. An empty value removes the variable, as dummy-ups does. */
  set(variable: string, value: string): Promise<void>
  /** `ups.status`, as tokens between spaces: 'OB DISCHRG LB'. */
  status(tokens: string): Promise<void>
  /** Nobody listens any more. */
  stop(): Promise<void>
  /** From the beginning: the variables are as they were first, and a latched FSD is gone. */
  start(): Promise<void>
  /** `FSD ups`, as a primary's upsmon sends it; it stays until `start`. */
  forceShutdown(): Promise<void>
  /** Clients that said LOGIN and are still there. */
  logins(): Promise<number>
  readonly users: { readonly secondary: { readonly name: 'monuser'; readonly password: 'secret' } }
  /** Where it was started with TLS. */
  readonly certificates?: UpsdCertificates
}

/** networkupstools/nut's own upsd in front of its dummy-ups driver. */
export type RealUpsd = LabUpsd

export interface LabUpsdOptions {
  readonly address?: string
  /** 0 for any free one. */
  readonly port?: number
  /** Added to `firstVariables`, or in their place. */
  readonly variables?: Readonly<Record<string, string>>
  /** Answers STARTTLS with a certificate for its address, and for `upsdName`. */
  readonly tls?: boolean
}

/** What a UPS of the lab says before anybody changes it; of a make, because Synology asks for `ups.mfr` and `ups.model`. */
export const firstVariables: Readonly<Record<string, string>> = {
  'battery.charge': '100',
  'battery.charge.low': '20',
  'battery.runtime': '3480',
  'battery.runtime.low': '120',
  'ups.load': '18',
  'ups.mfr': 'Lab',
  'ups.model': 'Smart 1500',
  'ups.serial': 'LAB0001',
  'ups.status': 'OL CHRG',
}

/** `upsd.users` of both upsds: who may do what. */
export const labUsers = {
  admin: { password: 'adminpw', directives: ['actions = SET', 'actions = FSD', 'instcmds = ALL'] },
  prim: { password: 'primpw', directives: ['upsmon primary'] },
  monuser: { password: 'secret', directives: ['upsmon secondary'] },
} as const

/** Free text that needs every escape that parseconf knows. */
export const upsDescription = 'Lab "quoted" UPS \\ #1'

/** The programs themselves: /sbin/upsd is Debian's wrapper, which does nothing while nut.conf says MODE=none. */
const server = '/lib/nut/upsd'
const driver = '/lib/nut/dummy-ups'

export function isUpsdInstalled(): boolean {
  return existsSync(server) && existsSync(driver)
}

/** Starts the real thing in a temporary folder of its own; answers when upsd has the driver's data. */
export async function startUpsd(options: LabUpsdOptions = {}): Promise<RealUpsd> {
  const address = options.address ?? '127.0.0.1'
  const port = options.port || (await freePort(address))
  const folder = await mkdtemp(join(tmpdir(), 'lab-upsd-'))
  let running: { readonly name: string; readonly child: ChildProcess; readonly said: string[] }[] = []

  const killAll = (): void => {
    for (const { child } of running) child.kill('SIGKILL')
  }
  const run = (name: string, program: string, parameters: string[]): void => {
    const child = spawn(program, parameters, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environmentOf(folder) },
    })
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said.push(chunk.toString())
        if (said.length > 50) said.shift()
      })
    }
    child.on('error', (error) => said.push(error.message))
    running.push({ name, child, said })
  }

  const socket = join(folder, 'run', 'dummy-ups-ups')

  async function stop(): Promise<void> {
    // upsd first: dummy-ups of 2.8.0 aborts by itself a moment after its server is gone.
    for (const { child } of running.toReversed()) await end(child)
    running = []
    await rm(socket, { force: true })
  }

  async function start(): Promise<void> {
    await stop()
    const giveUp = soon()
    run('dummy-ups', driver, ['-a', 'ups', '-F'])
    // Not before the driver's socket: upsd would come back to look for it only after two seconds.
    while (!existsSync(socket) && !giveUp.aborted) await pause(10)
    run('upsd', server, ['-F'])
    // upsd says WAIT between its connection to the driver and the first data.
    while (!/^VAR ups ups\.status "(?!WAIT)/.test(await statusLine(address, port))) {
      const dead = running.find(({ child }) => child.exitCode !== null || child.signalCode !== null)
      if (!dead && !giveUp.aborted) await pause(20)
      else {
        const said = running.map((each) => `${each.name}: ${each.said.join('').trim()}`).join('\n')
        await stop()
        throw new Error(`${dead ? `${dead.name} ended` : 'upsd has no data'} before it was ready\n${said}`)
      }
    }
  }

  async function set(variable: string, value: string): Promise<void> {
    // `a#b` is never answered, `a\b` becomes `ab`, `a"b` becomes `a`: between upsd and dummy-ups of 2.8.0 they get lost.
    if (/[#\\"]/.test(value)) throw new Error(`dummy-ups cannot take # \\ or " in a value: ${value}`)
    const session = await openSession(address, port, 'admin')
    try {
      await session.ask('SET TRACKING ON', /^OK$/)
      const [, id = ''] = await session.ask(`SET VAR ups ${variable} "${value}"`, /^OK TRACKING (\S+)$/)
      const giveUp = soon()
      while ((await session.ask(`GET TRACKING ${id}`, /^(PENDING|SUCCESS)$/))[1] === 'PENDING') {
        if (giveUp.aborted) throw new Error(`SET VAR ups ${variable} "${value}": the driver never answered`)
        await pause(5)
      }
    } finally {
      session.close()
    }
  }

  let certificates: UpsdCertificates | undefined
  const upsd: RealUpsd = {
    address,
    get certificates() {
      return certificates!
    },
    port,
    upsName: 'ups',
    users: { secondary: { name: 'monuser', password: 'secret' } },
    set,
    status: (tokens) => set('ups.status', tokens),
    stop,
    start,
    async forceShutdown() {
      const session = await openSession(address, port, 'prim')
      try {
        await session.ask('FSD ups', /^OK FSD-SET$/)
      } finally {
        session.close()
      }
    },
    async logins() {
      const session = await openSession(address, port)
      try {
        return Number((await session.ask('GET NUMLOGINS ups', /^NUMLOGINS ups (\d+)$/))[1])
      } finally {
        session.close()
      }
    },
    async [Symbol.asyncDispose]() {
      await stop()
      process.off('exit', killAll)
      await rm(folder, { recursive: true, force: true })
    },
  }

  // Killed with a test that is stopped half way, for they would outlive it.
  process.on('exit', killAll)
  try {
    certificates = await writeFiles(folder, { ...options, address, port })
    await start()
  } catch (error) {
    await upsd[Symbol.asyncDispose]()
    throw error
  }
  return upsd
}

function environmentOf(folder: string): Record<string, string> {
  const run = join(folder, 'run')
  return { NUT_CONFPATH: join(folder, 'etc'), NUT_STATEPATH: run, NUT_ALTPIDPATH: run }
}

async function writeFiles(folder: string, options: LabUpsdOptions): Promise<UpsdCertificates | undefined> {
  const { address = '', port = 0, tls = false } = options
  const variables = { ...firstVariables, ...options.variables }
  const etc = join(folder, 'etc')
  const run = join(folder, 'run')
  for (const each of [etc, run]) await mkdir(each)
  const nss = join(etc, 'nss')
  const database = tls ? await createNssDatabase(nss, address) : undefined
  const users = Object.entries(labUsers).map(([name, { password, directives }]) =>
    [`[${name}]`, `password = ${password}`, ...directives, ''].join('\n'),
  )
  const quoted = `"${upsDescription.replaceAll(/[#\\"]/g, '\\$&')}"`
  const files: Record<string, string> = {
    'nut.conf': 'MODE=netserver\n',
    'ups.conf': [
      'maxretry = 3',
      '[ups]',
      'driver = dummy-ups',
      `port = ${join(etc, 'ups.dev')}`,
      'mode = dummy-once',
      `desc = ${quoted}`,
      '',
    ].join('\n'),
    'upsd.conf': `LISTEN ${address} ${port}\nMAXAGE 15\nSTATEPATH ${run}\n${database?.directives ?? ''}`,
    'upsd.users': users.join('\n'),
    'ups.dev': Object.entries(variables)
      .map(([variable, value]) => `${variable}: ${value}\n`)
      .join(''),
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(etc, name), content)
  // Daemons that root starts change to the user `nut`; those of anybody else stay whose they are.
  if (process.getuid?.() !== 0) return database
  const group = Number(/^nut:[^:]*:(\d+):/m.exec(await readFile('/etc/group', 'utf8'))?.[1] ?? 0)
  await chmod(folder, 0o755)
  for (const [path, mode] of [
    [etc, 0o750],
    [run, 0o770],
    ...(database ? [[nss, 0o750] as const] : []),
    ...[...Object.keys(files).map((name) => join(etc, name)), ...(database?.files ?? [])].map(
      (path): [string, number] => [path, 0o640],
    ),
  ] as const) {
    await chown(path, 0, group)
    await chmod(path, mode)
  }
  return database
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const insist = setTimeout(() => child.kill('SIGKILL'), 3000)
  child.kill('SIGTERM')
  await ended
  clearTimeout(insist)
}

/** A port that was free a moment ago. */
async function freePort(address: string): Promise<number> {
  const probe = createServer().listen(0, address)
  await once(probe, 'listening')
  const found = probe.address()
  probe.close()
  await once(probe, 'close')
  if (found === null || typeof found === 'string') throw new Error(`no free port on ${address}`)
  return found.port
}
