import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A cluster in a process of its own, so that what it takes is not taken for the daemon's. */
export interface ForkedCluster {
  /** The file of its configuration. */
  readonly config: string
  readonly pid: number
  /** What it says when it is asked. @throws Error where its process has ended */
  ask(): Promise<unknown>
}

/** Starts a script of this folder with its order, and returns when its nodes are ready. The stack ends it. */
export async function forkCluster(stack: AsyncDisposableStack, script: string, order: object): Promise<ForkedCluster> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [JSON.stringify(order)], {
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
  return {
    config: (await answer()) as string,
    pid: child.pid!,
    ask() {
      child.send('report')
      return answer()
    },
  }
}
