import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { waitFor } from './daemon.ts'

const program = '/usr/bin/script'

/** Why a terminal can't be had here; undefined when it can. */
export function whyNoTerminal(): string | undefined {
  return process.platform === 'linux' && existsSync(program) ? undefined : 'script(1) of util-linux is not installed'
}

/** A program at a terminal of its own, as a person uses it. */
export interface LabTerminal extends AsyncDisposable {
  /** Everything that was shown so far, without what moves the cursor and colours it. */
  readonly shown: string
  /** Waits for a text behind what was waited for before, then types. */
  answer(question: string, keys: string): Promise<void>
  /** Its exit code. */
  readonly ended: Promise<number | null>
}

/** The program is found by its path. The terminal has no size, as serial consoles have none. */
export function startTerminal(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): LabTerminal {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const child = spawn(program, ['--quiet', '--return', '--flush', '--command', quoted, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm', ...environment },
  })
  let raw = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text))
  // oxlint-disable-next-line no-control-regex -- what moves the cursor
  const clean = () => raw.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    get shown() {
      return clean()
    },
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
