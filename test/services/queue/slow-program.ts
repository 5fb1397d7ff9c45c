import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killProcess } from './lab.ts'

export function isRunning(pid: number): boolean {
  try {
    return killProcess(pid, 0)
  } catch {
    return false
  }
}

/** A store that takes its time, at the test's wish. */
interface SlowProgram extends AsyncDisposable {
  /** Where it is found. */
  readonly folder: string
  /** While there is such a file, one that is started does not listen. */
  readonly deaf: string
  /** While there is such a file, one that is started listens, and does what is in the file: `silent` or `loading`. */
  readonly loading: string
  /** The pid of each that was started. */
  started(): Promise<number[]>
  /** How often one that is loading was asked how far it is. */
  questions(): Promise<number>
  /** Pairs that ran at the same time. */
  overlaps(): Promise<string>
}

export async function slowProgram(path: string): Promise<SlowProgram> {
  const folder = join(path, 'bin')
  const file = (name: string) => join(path, name)
  const read = (name: string) => readFile(file(name), 'utf8').catch(() => '')
  const real = ['valkey-server', 'redis-server'].flatMap((program) => {
    try {
      return [execFileSync('which', [program], { encoding: 'utf8' }).trim()]
    } catch {
      return []
    }
  })[0]
  const loader = fileURLToPath(new URL('loading-store.ts', import.meta.url))
  await mkdir(folder)
  await writeFile(
    join(folder, 'valkey-server'),
    `#!/bin/sh
cd '${path}'
for other in $(cat started 2>/dev/null); do
  kill -0 $other 2>/dev/null && echo "$other $$" >> overlaps
done
echo $$ >> started
[ -e deaf ] && exec sleep 60
[ -e loading ] && exec '${process.execPath}' '${loader}' '${path}' "$@"
exec '${real}' "$@"
`,
  )
  await chmod(join(folder, 'valkey-server'), 0o755)
  const started = async () => (await read('started')).split('\n').filter(Boolean).map(Number)
  return {
    folder,
    deaf: file('deaf'),
    loading: file('loading'),
    started,
    questions: async () => (await read('questions')).length,
    overlaps: () => read('overlaps'),
    [Symbol.asyncDispose]: async () => {
      for (const pid of await started()) if (isRunning(pid)) killProcess(pid)
    },
  }
}
