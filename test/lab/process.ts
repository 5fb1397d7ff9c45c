import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Another process that runs one of our scripts: being killed can't be tried in this one. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number
  /** Its output so far, once it has this in it; rejects when it ends before. */
  until(pattern: RegExp): Promise<string>
  /** As a power cut does: nothing of it runs any more. */
  kill(): Promise<void>
}

export function startProcess(script: URL, ...parameters: string[]): TestProcess {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(script), ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const lookers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      said += chunk
      for (const look of lookers) look()
    })
  }
  const closed = once(child, 'close')
  const kill = async () => {
    child.kill('SIGKILL')
    await closed
  }
  return {
    pid: child.pid!,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(said)) return
          lookers.delete(look)
          resolve(said)
        }
        lookers.add(look)
        look()
        void closed.then(() => reject(new Error(`it ended before it said ${pattern}: ${said}`)))
      }),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  // With a space in it: what is handed to a program must stand that.
  const path = await mkdtemp(join(tmpdir(), 'caretaker '))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
