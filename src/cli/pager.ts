import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { canDraw } from './table.ts'

/** The pager of a person: what they have chosen, else `less` where it is installed. */
function pagerOf(environment: NodeJS.ProcessEnv): string | undefined {
  const chosen = environment['PAGER']
  if (chosen === undefined) return 'less'
  return chosen === '' || chosen === 'cat' ? undefined : chosen
}

/** Whether a text of so many lines is too long for the terminal, and a person is there who can read it page by page. */
export function needsPager(text: string): boolean {
  const { stdout, stdin, env } = process
  if (!stdout.isTTY || !stdin.isTTY || !canDraw(env) || pagerOf(env) === undefined) return false
  return text.split('\n').length >= (stdout.rows || Number.POSITIVE_INFINITY)
}

/**
 * Shows a clean text by the pager; answers whether that went, and whoever shows it otherwise has to where it did not.
 * `less` ends at once where all fits (F), keeps colours (R), and leaves on the screen what was read (X), unless $LESS says
 * otherwise. Like git's, the command is the shell's: people have `less -S` in there.
 */
export async function showByPager(text: string): Promise<boolean> {
  const { env } = process
  const child = spawn('/bin/sh', ['-c', pagerOf(env)!], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { LESS: 'FRX', LV: '-c', ...env },
  })
  // Ctrl-C is the pager's: it stops a search, and not what is read.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  // Whoever quits early closes the pipe.
  child.stdin.on('error', ignore).end(text)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    // The shell says 127 where there is no such program, and 126 where it is none.
    return code !== 127 && code !== 126
  } catch {
    return false
  } finally {
    process.off('SIGINT', ignore)
  }
}
