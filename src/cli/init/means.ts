import type { Given } from './answers.ts'
import type { Prompter } from './prompter.ts'

/** What the parts of init work with. */
export interface Means {
  readonly given: Given
  /** Of what is given, that which an older configuration says: where it can't be tried, it stays as it is. */
  readonly known: ReadonlySet<keyof Given>
  /** Undefined where nobody can be asked. */
  readonly prompter: Prompter | undefined
  /** The folder of the configuration. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** How far it is, for people. */
  say(text: string): void
}

/** How long one question to a machine may take, in ms. */
export const answersWithin = 10_000

/** The signal of one question. */
export function within(signal: AbortSignal, ms = answersWithin): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)])
}
