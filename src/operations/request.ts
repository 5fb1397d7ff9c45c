import type { Config } from '../config/config.ts'
import type { Journal } from '../core/journal.ts'
import type { EntryKind } from '../core/entry-kind.ts'
import type { Asked } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { describeRequester, type Requester } from '../core/requester.ts'
import type { Ports } from '../core/ports.ts'
import type { Origin } from './facts.ts'
import type { RunningAgent } from './running-agent.ts'

/** What every request is carried out with. */
export interface RequestMeans {
  readonly agent: RunningAgent
  readonly ports: Ports
  /** The configuration as it is now. */
  config(): Config
  now(): Date
}

/** How long a person waits at most for a question to the cluster, in ms. */
export const patience = 10_000

/** Ends a question with whoever asked it, and after `patience`. */
export function patiently(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(patience)])
}

/** Who asks, and when, as it is remembered with what was requested. */
export function originOf({ by }: Asked, now: Date): Origin {
  return { by: describeRequester(by), at: now.toISOString() }
}

/** A request that has changed something: the journal says what, and who asked. */
export interface Change {
  readonly kind: EntryKind
  readonly subject?: string | undefined
  readonly said: string
}

/** Writes down what was requested, and by whom. */
export function recordChange(journal: Journal, { kind, subject, said }: Change, by: Requester): RequestAnswer {
  journal.write({
    kind,
    ...(subject === undefined ? {} : { subject }),
    text: `${said}; by ${describeRequester(by)}`,
  })
  const { degraded } = journal
  const isLost =
    degraded === undefined ? '' : `; the disk does not take it (${degraded}): a restart before it does forgets it`
  return { said: `${said}${isLost}`, changed: true }
}

/** A request that changed nothing. */
export const unchanged = (said: string): RequestAnswer => ({ said, changed: false })
