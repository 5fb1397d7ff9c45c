import { type ChildProcess, execFile, spawn } from 'node:child_process'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A bridge with machines on it, each in a network namespace of its own. Nothing of this machine's network is touched. */
export interface Lan extends AsyncDisposable {
  /** The namespace of a machine, by its name; that of the bridge is `lan`. */
  namespace(name: string): string
  /** `ip` on a machine: `address del 192.168.78.2/24 dev eth0`. */
  ip(name: string, words: string): Promise<unknown>
  /** Starts a program on a machine; it is ended with the network. */
  start(name: string, program: string, words: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess
  /** A place on the bridge for a virtual machine; answers the name of its interface, in the namespace `lan`. */
  tap(): Promise<string>
  /** Runs a program on a machine, and answers what it says. */
  run(name: string, program: string, words: readonly string[]): Promise<string>
}

/** Why no such network can be made here; undefined where it can. */
export async function whyNoLan(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root makes network namespaces'
  const probe = `caretaker-probe-${process.pid}`
  try {
    await run('ip', ['netns', 'add', probe])
    await run('ip', ['netns', 'del', probe])
    return undefined
  } catch (error) {
    return `\`ip netns add\` does not work here: ${error instanceof Error ? error.message : 'no ip'}`
  }
}

let count = 0

/** Makes one: machines have their addresses, with a prefix of 24 bits, and no route out of the network. */
export async function openLan(machines: Readonly<Record<string, string>>): Promise<Lan> {
  await using stack = new AsyncDisposableStack()
  count += 1
  const prefix = `ct${process.pid}-${count}`
  const namespace = (name: string) => `${prefix}-${name}`
  const ip = (...words: string[]) => run('ip', words)
  const inside = (name: string, ...words: string[]) => ip('-n', namespace(name), ...words)
  for (const name of ['lan', ...Object.keys(machines)]) {
    await ip('netns', 'add', namespace(name))
    stack.defer(async () => void (await ip('netns', 'del', namespace(name))))
    await inside(name, 'link', 'set', 'lo', 'up')
  }
  // Without the spanning tree protocol: its half minute of listening is longer than firmware waits.
  await inside('lan', 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0', 'stp_state', '0')
  await inside('lan', 'link', 'set', 'br0', 'up')
  for (const [index, [name, address]] of Object.entries(machines).entries()) {
    const port = `port${index}`
    await inside(name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', namespace('lan'))
    await inside('lan', 'link', 'set', port, 'master', 'br0', 'up')
    await inside(name, 'address', 'add', `${address}/24`, 'brd', '+', 'dev', 'eth0')
    await inside(name, 'link', 'set', 'eth0', 'up')
  }
  const parts = stack.move()
  return {
    namespace,
    ip: (name, words) => inside(name, ...words.split(' ')),
    start: (name, program, words, env = {}) => {
      const child = spawn('ip', ['netns', 'exec', namespace(name), program, ...words], {
        env: { ...process.env, ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      // Read or not, what it says must not hold it up.
      child.stdout.resume()
      child.stderr.resume()
      parts.defer(() => endOf(child))
      return child
    },
    tap: async () => {
      await inside('lan', 'tuntap', 'add', 'tap0', 'mode', 'tap')
      await inside('lan', 'link', 'set', 'tap0', 'master', 'br0', 'up')
      return 'tap0'
    },
    run: async (name, program, words) =>
      (await run('ip', ['netns', 'exec', namespace(name), program, ...words], { maxBuffer: 16_000_000 })).stdout,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await ended
  clearTimeout(late)
}
