import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { arm64Tools } from '../uki/real-uki.ts'
import { type Lan, openLan } from './lan.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Where the router and the daemon are, and the card of the machine that boots. */
export const [router, agent, mac] = ['192.168.78.1', '192.168.78.2', '52:54:00:12:34:56']
export const imageName = 'metal-amd64-uki.efi'

export interface BootLabOptions {
  /** For whatever it keeps; the share is in it. */
  readonly folder: string
  /** Lines of caretaker.yaml, beside those of the share (unless `SHARE` stands for its folder), the schematic and the state. */
  readonly config: string
  /** Of the homelab, in YAML; one without extensions if absent. */
  readonly schematic?: string
  /** A script that runs on the machine of the daemon before it starts, with its words. */
  readonly beside?: readonly string[]
}

/** A network with a router that gives addresses alone, and a daemon of ours beside it. */
export interface BootLab extends AsyncDisposable {
  readonly lan: Lan
  /** The interface that a machine is plugged in by. */
  readonly tap: string
  /** Runs our command line on the machine of the daemon, and answers what it says. */
  caretaker(...words: string[]): Promise<string>
}

/** Starts it, and waits until the daemon answers machines. What they boot is to be on the share before. */
export async function openBootLab(options: BootLabOptions): Promise<BootLab> {
  await using stack = new AsyncDisposableStack()
  const { folder } = options
  const lan = stack.use(await openLan({ router, agent }))
  const tap = await lan.tap()
  const range = '--dhcp-range=192.168.78.100,192.168.78.150,255.255.255.0,1h'
  const quiet = ['--conf-file=/dev/null', '--user=root', '--pid-file=', '--port=0', '--no-ping']
  const leases = `--dhcp-leasefile=${join(folder, 'leases')}`
  const own = ['--interface=eth0', '--bind-interfaces', '--dhcp-authoritative']
  lan.start('router', 'dnsmasq', ['--keep-in-foreground', ...quiet, ...own, range, leases])
  const caretaker = await startDaemon(lan, options)
  const parts = stack.move()
  return { lan, tap, caretaker, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function startDaemon(
  lan: Lan,
  { folder, config, schematic = 'customization: {}\n', beside }: BootLabOptions,
): Promise<BootLab['caretaker']> {
  await mkdir(join(folder, 'schematics'))
  await writeFile(join(folder, 'schematics', 'homelab.yaml'), schematic)
  const place = join(folder, 'caretaker.yaml')
  const [share, state] = [join(folder, 'share'), join(folder, 'state')].map((one) => JSON.stringify(one))
  const own = config.includes('SHARE') ? config.replace('SHARE', share!) : `share: { directory: ${share} }\n${config}`
  await writeFile(place, `schematic: homelab\nstate: ${state}\n${own}`)
  const answer = "require('http').createServer((q, r) => r.end('a configuration'))"
  lan.start('agent', process.execPath, ['-e', `${answer}.listen(8080, '${agent}')`])
  if (beside) lan.start('agent', process.execPath, ['--disable-warning=ExperimentalWarning', ...beside])
  const cli = ['--disable-warning=ExperimentalWarning', join(root, 'src/cli.ts')]
  lan.start('agent', process.execPath, [...cli, 'start', '-c', place])
  const caretaker = (...words: string[]) =>
    lan.run('agent', process.execPath, [...cli, ...words, '-c', place]).catch((error: unknown) => String(error))
  const until = performance.now() + 120_000
  while (performance.now() < until)
    if ((await caretaker('status')).includes('answers machines on')) return caretaker
    else await new Promise((resolve) => setTimeout(resolve, 500))
  throw new Error(`the daemon does not answer machines: ${await caretaker('status')}`)
}

export interface BootImageOptions {
  readonly version: string
  /** It is filled up by so much. */
  readonly megabytes?: number
  readonly isArm64?: boolean
}

/** Builds an image that asks the machine of the daemon for its configuration and then switches itself off. */
export async function buildBootImage(path: string, options: BootImageOptions): Promise<void> {
  const { version, megabytes = 0, isArm64 } = options
  const env = {
    ...process.env,
    OUT: path,
    VERSION: version,
    PAD_MB: String(megabytes),
    CONFIG_URL: `http://${agent}:8080/config?mac=\${mac}`,
    ...(isArm64 ? { ...arm64Tools, CONSOLE: 'ttyAMA0' } : {}),
  }
  await run(join(root, 'test/lab/uki/build-uki.sh'), { env })
}
