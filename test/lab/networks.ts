import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A machine of its own with a cable to each of some networks, and nothing else: no default route unless it is asked for. */
export interface Networks extends AsyncDisposable {
  /** Runs a program of the lab in it; answers what that prints. */
  run(program: string, ...given: readonly string[]): Promise<string>
  /** What has arrived in a network by UDP so far, with the address that it came from. */
  heard(network: string): readonly { readonly hex: string; readonly from: string }[]
}

export interface NetworkSettings {
  /** By the name of the interface: our machine's address there, `10.1.0.1/24`. */
  readonly networks: Readonly<Record<string, string>>
  /** UDP port that each network listens on. */
  readonly port: number
  /** A router, `10.1.0.254`. */
  readonly defaultRoute?: string
}

const run = promisify(execFile)
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Why there can be none on this machine; undefined: there can. */
export function whyNoNetworks(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces take root'
  const missing = ['ip', 'unshare', 'nsenter'].find(
    (program) => !['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => existsSync(`${folder}/${program}`)),
  )
  return missing === undefined ? undefined : `${missing} is missing: install iproute2 and util-linux`
}

export async function startNetworks({ networks, port, defaultRoute }: NetworkSettings): Promise<Networks> {
  const heard = new Map<string, { hex: string; from: string }[]>()
  const children: ChildProcess[] = []
  const killAll = () => children.forEach((child) => child.kill('SIGKILL'))
  process.on('exit', killAll)
  const inside = ({ pid }: ChildProcess, ...line: readonly string[]) =>
    run('nsenter', ['-t', String(pid), '-n', ...line]).then(({ stdout }) => stdout)
  /** Each is its own network, until it is killed. It says so once it is in there. */
  const start = async (script: string, ...given: readonly string[]): Promise<ChildProcess> => {
    const child = spawn('unshare', ['-n', process.execPath, here(script), ...given], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    return child
  }
  const dispose = async () => {
    process.off('exit', killAll)
    const ended = children.map(async (child) => {
      const gone = once(child, 'exit')
      if (child.kill('SIGKILL')) await gone
    })
    await Promise.all(ended)
  }
  try {
    const machine = await start('udp-listener.ts')
    await once(machine.stdout!, 'data')
    await inside(machine, 'ip', 'link', 'set', 'lo', 'up')
    for (const [name, address] of Object.entries(networks)) {
      const lan = await start('udp-listener.ts', String(port))
      const all: { hex: string; from: string }[] = []
      heard.set(name, all)
      const lines = createInterface(lan.stdout!)
      const ready = once(lines, 'line')
      await ready
      lines.on('line', (line) => all.push(JSON.parse(line) as { hex: string; from: string }))
      // Made inside, so that names meet no others.
      await inside(machine, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'wire', 'netns', String(lan.pid))
      await inside(machine, 'ip', 'address', 'add', address, 'dev', name)
      await inside(machine, 'ip', 'link', 'set', name, 'up')
      const [network = ''] = address.split('/')
      const other = network.replace(/\d+$/, (last) => String(Number(last) + 1))
      await inside(lan, 'ip', 'address', 'add', `${other}/${address.split('/')[1]}`, 'dev', 'wire')
      await inside(lan, 'ip', 'link', 'set', 'wire', 'up')
    }
    if (defaultRoute !== undefined) await inside(machine, 'ip', 'route', 'add', 'default', 'via', defaultRoute)
    return {
      run: (program, ...given) => inside(machine, process.execPath, here(program), ...given),
      heard: (network) => heard.get(network) ?? [],
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
