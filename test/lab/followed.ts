import { spawn } from 'node:child_process'
import process from 'node:process'
import { commandLine } from './launcher.ts'

const [node, ...before] = await commandLine([])

/** A command with `--json` that goes on until it is interrupted, and the lines that it has written. */
export function followCli(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(node, [...before, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const over = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return {
    lines: () => texts.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown])),
    notes: () => texts.stderr,
    /** Its exit code, after SIGINT. */
    interrupt: () => (child.kill('SIGINT'), over),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await over
    },
  }
}
