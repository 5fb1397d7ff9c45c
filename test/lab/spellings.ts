import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { waitFor } from './daemon.ts'

/** A mounted file system to which two spellings of a name are one. */
export interface SpellingMount extends AsyncDisposable {
  readonly path: string
}

const programs = {
  samba: ['/usr/sbin/smbd', '/usr/bin/smbpasswd', '/usr/bin/smbnetfs'],
  exfat: ['/usr/sbin/mkfs.exfat', '/usr/sbin/mount.exfat-fuse', '/usr/sbin/losetup'],
} as const

/** Why it can't be had here; undefined where it can. */
export function whyNoSpellings(kind: keyof typeof programs): string | undefined {
  if (!existsSync('/dev/fuse')) return 'this kernel has no FUSE'
  const missing = programs[kind].find((file) => !existsSync(file))
  if (missing !== undefined) return `${missing} is not installed`
  return getuid?.() === 0 ? undefined : 'mounting needs root'
}

/** A share of Samba's smbd, mounted by libsmbclient, as by a desktop. */
export const mountSamba = (address: string) => mounted((stack) => openSamba(stack, address))

async function openSamba(stack: AsyncDisposableStack, address: string): Promise<string> {
  const directory = await folder(stack)
  const [served, state, mount, settings] = ['served', 'state', 'mount', '.smb'].map((name) => join(directory, name))
  for (const path of [served!, state!, mount!, settings!]) await mkdir(path)
  const config = join(directory, 'smb.conf')
  await writeFile(config, sambaConfig(address, served!, state!))
  const made = spawnSync('smbpasswd', ['-c', config, '-s', '-a', 'root'], { input: 'secret\nsecret\n' })
  if (made.status !== 0) throw new Error(`smbpasswd: ${made.stderr.toString()}`)
  const access = `auth "root" "secret"\nhost ${address} visible=true\n`
  await writeFile(join(settings!, 'smbnetfs.conf'), access, { mode: 0o600 })
  await writeFile(join(settings!, 'smb.conf'), '[global]\n')
  start(stack, 'smbd', ['-F', '--no-process-group', '-s', config], directory)
  await waitFor('smbd', 10_000, () => spawnSync('ss', ['-ltnH', `src ${address}:445`]).stdout.length > 0)
  start(stack, 'smbnetfs', ['-f', mount!], directory)
  stack.defer(() => void spawnSync('umount', ['--lazy', mount!]))
  const path = join(mount!, address, 'pxe')
  await waitFor('the share of Samba', 10_000, () => isThere(path))
  return path
}

const sambaConfig = (address: string, served: string, state: string) => `[global]
server role = standalone server
interfaces = ${address}/8
bind interfaces only = yes
smb ports = 445
passdb backend = tdbsam
load printers = no
disable spoolss = yes
log file = ${state}/log
${['lock directory', 'state directory', 'cache directory', 'private dir', 'pid directory', 'ncalrpc dir']
  .map((name) => `${name} = ${state}`)
  .join('\n')}
[pxe]
path = ${served}
read only = no
`

/** A disk of 64 MiB with exFAT, as a USB stick of a router has it. */
export const mountExfat = () => mounted(openExfat)

async function openExfat(stack: AsyncDisposableStack): Promise<string> {
  const directory = await folder(stack)
  const [image, path] = [join(directory, 'image'), join(directory, 'mount')]
  await writeFile(image, '')
  await truncate(image, 64 * 2 ** 20)
  await mkdir(path)
  run('mkfs.exfat', [image])
  const device = run('losetup', ['--find', '--show', image])
  stack.defer(() => void run('losetup', ['--detach', device]))
  run('mount.exfat-fuse', [device, path])
  stack.defer(() => void run('umount', [path]))
  return path
}

/** What was begun is ended also where it fails. */
async function mounted(open: (stack: AsyncDisposableStack) => Promise<string>): Promise<SpellingMount> {
  await using stack = new AsyncDisposableStack()
  const path = await open(stack)
  const whole = stack.move()
  return { path, [Symbol.asyncDispose]: () => whole.disposeAsync() }
}

async function folder(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-spellings-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function run(program: string, given: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, given, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program}: ${stderr}`)
  return stdout.trim()
}

/** Ended with the stack, and what it has started as well: smbd has a process for each client. */
function start(stack: AsyncDisposableStack, program: string, given: readonly string[], home: string): void {
  const child = spawn(program, given, { detached: true, stdio: 'ignore', env: { ...process.env, HOME: home } })
  const ended = once(child, 'exit')
  stack.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
    await ended
  })
}

function isThere(path: string): boolean {
  try {
    readdirSync(path)
    return readFileSync('/proc/mounts', 'utf8').includes('smbnetfs')
  } catch {
    return false
  }
}
