import type { Alerts } from '../../core/alert.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { backoff } from '../../core/notify/outbox.ts'
import { RetryAfter } from './outgoing.ts'

/** In ms: how long a channel may fail before people hear of it elsewhere. */
const failsFor = 600_000
/** In ms: between two tries of a channel whose credentials are refused: its files are read anew each time. */
const refusedEvery = 300_000

export interface HealthOptions {
  readonly name: string
  readonly alerts: Pick<Alerts, 'report'>
  /** In ms. Waits go by it: the wall clock may be set. */
  readonly monotonic: () => number
  /** Of 0 to 1, anew at each call. */
  readonly spread: () => number
}

/** `again`: it may be taken later. `never`: this message is refused. `gone`: so is every other. */
export type Verdict = 'again' | 'never' | 'gone'

/** How a channel fares: what becomes of what it refuses, when it is tried again, and whether people must hear of it. */
export interface Health {
  succeeded(): void
  /** What becomes of the message whose sending has failed so, after so many attempts. */
  failed(error: unknown, attempts: number): Verdict
  /** It could be opened, which is all that is known of one that is sent nothing. */
  opened(): void
  /** It can't even be opened, for so many ms. */
  closed(error: unknown, lasts: number): void
  /** Tries again as soon as the channel itself allows. */
  hurry(): void
  /** What it is opened with has changed: what it said of itself before counts no more, only how soon it may be called. */
  renewed(): void
  /** For how long it is left alone, in ms. */
  readonly pause: number
  readonly isGone: boolean
  readonly trouble: string | undefined
}

export function createHealth({ name, alerts, monotonic, spread }: HealthOptions): Health {
  let failures = 0
  let failingSince: number | undefined
  let trouble: string | undefined
  let isGone = false
  /** Monotonic, in ms: when it is tried again, and before when the channel itself asks not to be called. */
  let retryAt = 0
  let notBefore = 0

  function tell(): void {
    alerts.report(`channel.failing:${name}`, {
      severity: 'warning',
      subject: name,
      text: `messages do not get through by ${name}: ${trouble}`,
      action: isGone
        ? 'Fix the channel in the configuration: it is not called again until then'
        : `Try it with \`caretaker notify test ${name}\``,
    })
  }

  return {
    succeeded: () => {
      failures = 0
      failingSince = undefined
      trouble = undefined
      isGone = false
      alerts.report(`channel.failing:${name}`, undefined)
    },
    failed: (error, attempts) => {
      const verdict = verdictOn(error, attempts)
      const isRefused = error instanceof AgentError && error.code === 'misconfigured'
      const after = error instanceof RetryAfter ? error.after : 0
      failures += 1
      failingSince ??= monotonic()
      trouble = messageOf(error)
      if (verdict === 'gone') isGone = true
      notBefore = monotonic() + after
      retryAt = monotonic()
      if (verdict === 'again') retryAt += isRefused ? refusedEvery : Math.max(after, backoff(failures, spread()))
      if (verdict !== 'again' || isRefused || monotonic() - failingSince >= failsFor) tell()
      return verdict
    },
    opened: () => {
      if (failures > 0) return
      trouble = undefined
      alerts.report(`channel.failing:${name}`, undefined)
    },
    closed: (error, lasts) => {
      trouble = messageOf(error)
      // A disk or a share that is slow to answer is no news.
      if (!(error instanceof AgentError && error.retryable) || lasts >= failsFor) tell()
    },
    hurry: () => {
      retryAt = Math.min(retryAt, notBefore)
    },
    renewed: () => {
      isGone = false
      failures = 0
      retryAt = Math.min(retryAt, notBefore)
    },
    get pause() {
      return Math.max(0, retryAt - monotonic())
    },
    get isGone() {
      return isGone
    },
    get trouble() {
      return trouble
    },
  }
}

/** A fault of ours may pass; one that does not keeps nothing else back. */
const faultyAttempts = 5

function verdictOn(error: unknown, attempts: number): Verdict {
  if (!(error instanceof AgentError)) return attempts < faultyAttempts ? 'again' : 'never'
  if (error.code === 'not-found') return 'gone'
  return error.retryable || error.code === 'misconfigured' ? 'again' : 'never'
}
