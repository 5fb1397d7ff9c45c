import { once } from 'node:events'
import process from 'node:process'
import { AgentError } from '../core/errors.ts'

/** What a command does that can't be taken back, and the options that say yes to it. */
export interface Confirmation {
  /** What is asked: `Roll w-1 back? …` */
  readonly question: string
  /** What to do where there is no terminal to ask at: `add --yes to roll w-1 back`. */
  readonly hint: string
}

/**
 * Asks a person at the terminal. Where no one can be asked, only the options agree: a script must not do by accident what
 * takes nodes away.
 *
 * @throws AgentError `misconfigured` where nobody can be asked, `rejected` where a person says no
 */
export async function demandYes(
  extra: Readonly<Record<string, unknown>>,
  { question, hint }: Confirmation,
): Promise<void> {
  if (extra['yes'] === true) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new AgentError('misconfigured', `nothing done; ${hint}`)
  if (!/^y(es)?$/i.test((await askPerson(`${question} [y/N] `)).trim()))
    throw new AgentError('rejected', 'nothing done')
}

/** The person's line; empty where they end the input or press Ctrl-C. */
async function askPerson(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const closed = once(lines, 'close').then(() => '')
  try {
    // Ctrl-C rejects the question, Ctrl-D closes the input without an answer.
    return await Promise.race([lines.question(question).catch(() => ''), closed])
  } finally {
    lines.close()
  }
}
