import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RunAnswer, RunOrder } from './runner-process.ts'

export interface Runner extends AsyncDisposable {
  /** Runs tests in a process that stays; undefined where they took longer than `within` ms. */
  run(order: RunOrder, within: number): Promise<RunAnswer | undefined>
}

const program = fileURLToPath(new URL('runner-process.ts', import.meta.url))

/** `shared`: one thread that stays, for tests of what is pure. `isolated`: a process for each test file. */
export function createRunner(kind: 'shared' | 'isolated'): Runner {
  let child: ChildProcess | undefined

  async function started(): Promise<ChildProcess> {
    if (child?.connected) return child
    // A group of its own, so that the workers of a mutant that never ends go with it.
    child = fork(program, [kind], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(child, 'message')
    return child
  }

  async function stop(): Promise<void> {
    const stopping = child
    child = undefined
    if (stopping?.pid === undefined || stopping.exitCode !== null || stopping.signalCode !== null) return
    const exited = once(stopping, 'exit')
    process.kill(-stopping.pid, 'SIGKILL')
    await exited
  }

  async function run(order: RunOrder, within: number): Promise<RunAnswer | undefined> {
    const runner = await started()
    const { promise, resolve } = Promise.withResolvers<RunAnswer | undefined>()
    const timer = setTimeout(() => resolve(undefined), within)
    runner.once('message', resolve)
    runner.once('exit', (code) => resolve({ passed: false, why: `the process ended with ${code}` }))
    runner.send(order)
    const answer = await promise
    clearTimeout(timer)
    runner.removeAllListeners()
    if (answer === undefined || answer.isCut || !runner.connected) await stop()
    return answer
  }

  return {
    run: async (order, within) => {
      const answer = await run(order, within)
      // A busy machine keeps workers from starting: only what is cut again, in a process that is new, is so by the change.
      return answer?.isCut ? run(order, within) : answer
    },
    [Symbol.asyncDispose]: stop,
  }
}
