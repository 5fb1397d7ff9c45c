import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { waitFor } from './daemon.ts'
import { commandLine } from './launcher.ts'

/** `script` of util-linux, which makes a pseudo-terminal. */
const program = '/usr/bin/script'

const [node, ...before] = await commandLine([])

/** Why a terminal can't be had here; undefined when it can. */
export function whyNoTerminal(): string | undefined {
  return process.platform === 'linux' && existsSync(program) ? undefined : 'script(1) of util-linux is not installed'
}

/** A program at a terminal of its own, as a person uses it. */
export interface Terminal extends AsyncDisposable {
  /** Everything that it has written so far, with its movements of the cursor. */
  readonly written: string
  /** The same without what moves the cursor and colours it. */
  readonly shown: string
  type(keys: string): void
  /** Waits for a text behind what was waited for before, then types. */
  answer(question: string, keys: string): Promise<void>
  /** The code that it ends with. */
  readonly ended: Promise<number | null>
}

export interface TerminalOptions {
  /** Without it the terminal has no size, as serial consoles have none. */
  readonly size?: { readonly columns: number; readonly rows: number }
  readonly environment?: Readonly<Record<string, string>>
}

/** The program is found by its path. */
export function startTerminal(words: readonly string[], { size, environment = {} }: TerminalOptions = {}): Terminal {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const line = size ? `stty cols ${size.columns} rows ${size.rows}; exec ${quoted}` : quoted
  const child = spawn(program, ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', ...environment },
  })
  let written = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written += text))
  child.stdin.on('error', () => {})
  // oxlint-disable-next-line no-control-regex -- what moves the cursor
  const clean = () => written.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    get written() {
      return written
    },
    get shown() {
      return clean()
    },
    type: (keys) => void child.stdin.write(keys),
    answer: async (question, keys) => {
      await waitFor(`the terminal to show "${question}"`, 20_000, () => clean().includes(question, seen)).catch(
        (error: Error) => {
          throw new Error(`${error.message}; it shows: ${clean().slice(seen).slice(-1_000)}`)
        },
      )
      seen = clean().indexOf(question, seen) + question.length
      child.stdin.write(keys)
    },
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Carries out a command of the CLI at a terminal of 80 columns and 24 rows, unless another size is given. */
export function runAtTerminal(
  args: readonly string[],
  {
    columns = 80,
    rows = 24,
    environment,
  }: { readonly columns?: number; readonly rows?: number } & Pick<TerminalOptions, 'environment'> = {},
): Terminal {
  return startTerminal([node, ...before, ...args], { size: { columns, rows }, ...(environment ? { environment } : {}) })
}
