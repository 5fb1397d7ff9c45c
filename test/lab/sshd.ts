import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from './daemon.ts'
import { temporaryFolder } from './process.ts'

const server = '/usr/sbin/sshd'
const run = promisify(execFile)

/** Why a real SSH server can't be had here; undefined when it can. */
export function whyNoSshd(): string | undefined {
  return existsSync(server) && existsSync('/usr/bin/ssh') ? undefined : 'openssh-server is not installed'
}

/** Debian's sshd for the user that the tests run as, with commands carried out on this machine. */
export interface LabSshd extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly user: string
  /** Its own folder, with a space in its name. */
  readonly folder: string
  /** Paths of private keys: one that is let in, one that nobody knows, one that runs the forced command whatever is asked. */
  readonly keys: { readonly known: string; readonly stranger: string; readonly forced: string }
  /** A file with its host key, under the names of its address and of `nas.lab`. */
  readonly knownHosts: string
  start(): Promise<void>
  stop(): Promise<void>
  /** From the next start on it shows another host key than the one in `knownHosts`. */
  changeHostKey(): Promise<void>
}

export interface LabSshdOptions {
  readonly address: string
  /** What the key `forced` runs. */
  readonly forced?: string
  /** Lines of its configuration that come first, and so count. */
  readonly settings?: readonly string[]
}

export async function startSshd({ address, forced = 'true', settings = [] }: LabSshdOptions): Promise<LabSshd> {
  const temporary = await temporaryFolder()
  const folder = temporary.path
  const port = await freePort(address)
  const user = userInfo().username
  const within = (name: string) => join(folder, name)
  const makeKey = (name: string) => run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', within(name)])
  const publicHalf = async (name: string) => (await readFile(within(`${name}.pub`), 'utf8')).trim()
  for (const name of ['host', 'other-host', 'known', 'stranger', 'forced']) await makeKey(name)
  await writeFile(
    within('authorized_keys'),
    `${await publicHalf('known')}\nrestrict,command="${forced}" ${await publicHalf('forced')}\n`,
  )
  const names = [`[${address}]:${port}`, `[nas.lab]:${port}`].join(',')
  await writeFile(within('known_hosts'), `${names} ${await publicHalf('host')}\n`)
  // As root it wants the folder that its init script makes.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  let hostKey = 'host'
  let running: { stop(): Promise<void> } | undefined

  async function start(): Promise<void> {
    const lines = [
      ...settings,
      `Port ${port}`,
      `ListenAddress ${address}`,
      `HostKey "${within(hostKey)}"`,
      `AuthorizedKeysFile "${within('authorized_keys')}"`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PrintMotd no',
    ]
    await writeFile(within('sshd_config'), `${lines.join('\n')}\n`)
    await chmod(within(hostKey), 0o600)
    const child = spawn(server, ['-D', '-e', '-f', within('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    running = {
      stop: async () => {
        child.kill('SIGTERM')
        await ended
        // A child that it has just forked for a connection may hold the listening socket a moment longer.
        await waitFor('nothing to listen', 10_000, async () => !(await isListening(address, port)))
      },
    }
    await waitFor('sshd to listen', 10_000, async () => {
      if (child.exitCode !== null) throw new Error(`sshd ended with code ${child.exitCode}: ${said}`)
      return isListening(address, port)
    })
  }

  const stop = async () => {
    await running?.stop()
    running = undefined
  }
  await start()
  return {
    address,
    port,
    user,
    folder,
    keys: { known: within('known'), stranger: within('stranger'), forced: within('forced') },
    knownHosts: within('known_hosts'),
    start,
    stop,
    changeHostKey: async () => void (hostKey = 'other-host'),
    [Symbol.asyncDispose]: async () => {
      await stop()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

/** The ids of the ssh clients that run for this server's folder. */
export async function clientsOf({ folder }: LabSshd): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const lines = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return processes.filter((_, index) => lines[index]!.startsWith('ssh\0') && lines[index]!.includes(folder))
}

/** Whether somebody takes connections there. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const answer = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}

/** A port that nobody has, a moment ago. */
export async function freePort(address: string): Promise<number> {
  const probe = createServer().listen(0, address)
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
