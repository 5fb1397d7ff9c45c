import { spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** A command at a terminal of its own. */
export interface Terminal extends AsyncDisposable {
  /** Everything that it has written so far, with its movements of the cursor. */
  readonly written: string
  type(keys: string): void
  /** The code that it ends with. */
  readonly ended: Promise<number | null>
}

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly environment?: Readonly<Record<string, string>>
}

const launcher = fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url))

/** Carries out a command of the CLI at a pseudo-terminal, by `script` of util-linux. */
export function runAtTerminal(
  args: readonly string[],
  { columns = 80, rows = 24, environment = {} }: TerminalOptions = {},
): Terminal {
  const words = [process.execPath, '--disable-warning=ExperimentalWarning', launcher, ...args]
  const line = words.map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', `stty cols ${columns} rows ${rows}; exec ${line}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, TERM: 'xterm-256color', ...environment },
  })
  let written = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written += text))
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    get written() {
      return written
    },
    type: (keys) => void child.stdin.write(keys),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
