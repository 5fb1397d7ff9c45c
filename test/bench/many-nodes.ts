import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('many-nodes-process.ts', import.meta.url))

/** A homelab of many nodes in a process of its own, so that what it takes is not taken for the daemon's. */
export interface ManyNodes extends AsyncDisposable {
  readonly directory: string
  readonly config: string
  readonly pid: number
  /** Connections that its nodes have been asked for so far. */
  connections(): Promise<number>
}

/** `net`: the second octet of its addresses, 127.<net>.x.y. */
export async function startManyNodes(net: number, count: number): Promise<ManyNodes> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const child = fork(script, [String(net), String(count), directory], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const ended = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const answer = () =>
    Promise.race([
      once(child, 'message').then(([message]) => message as unknown),
      ended.then(([code]) => {
        throw new Error(`the nodes' process ended with code ${String(code)}`)
      }),
    ])
  const config = (await answer()) as string
  const parts = stack.move()
  return {
    directory,
    config,
    pid: child.pid!,
    async connections() {
      child.send('connections')
      return (await answer()) as number
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
