import { counted } from '../count.ts'
import { composeNote, type Voice } from './compose.ts'
import type { Delivery } from './delivery.ts'
import type { Message } from './message.ts'

/** What a channel is to do next. */
export type OutboxStep =
  | { readonly do: 'send'; readonly delivery: Delivery }
  /** These are not to be sent any more. `summary` says so in their place. */
  | { readonly do: 'drop'; readonly deliveries: readonly Delivery[]; readonly summary?: Message }
  /** Nothing is due before that, in ms since the epoch; undefined: nothing waits. */
  | { readonly do: 'wait'; readonly until: number | undefined }

export interface StepCircumstances {
  /** In ms: what could not be sent for so long is not sent any more. */
  readonly expireAfter: number
  readonly voice: Voice
  readonly now: Date
  /** What has a higher id than `after` was queued in a run that has lasted so many ms, whatever the wall clock says. */
  readonly run?: { readonly after: number; readonly lasts: number }
}

/** So many of those that were not sent are named in the summary. */
const namedExpired = 10

/**
 * The next step of one channel. Its messages are sent in their order; what waits for the end of quiet hours lets what is
 * urgent pass.
 *
 * @param waiting the channel's deliveries that wait, oldest first
 */
export function nextStep(
  waiting: readonly Delivery[],
  { expireAfter, voice, now, run }: StepCircumstances,
): OutboxStep {
  const superseded = findSuperseded(waiting)
  if (superseded.length > 0)
    return { do: 'drop', deliveries: ends(superseded, 'superseded', { now, why: 'a later message says it' }) }
  // A clock that is set forward makes nothing old.
  const isFromBefore = ({ id }: Delivery) => run === undefined || id <= run.after || run.lasts > expireAfter
  const expired = waiting.filter((one) => isFromBefore(one) && dueAt(one) + expireAfter <= now.getTime())
  if (expired.length > 0) {
    const summary = summarizeExpired(expired, voice, now)
    return { do: 'drop', deliveries: ends(expired, 'expired', { now }), summary }
  }
  const due = waiting.find((one) => !isHeld(one, now))
  if (due) return { do: 'send', delivery: due }
  const times = waiting.map(dueAt)
  return { do: 'wait', until: times.length === 0 ? undefined : Math.min(...times) }
}

/**
 * Whether it waits for the end of quiet hours. Where the clock has been set back since it was queued that end is none, and
 * may be years away.
 */
function isHeld({ queuedAt, notBefore }: Delivery, now: Date): boolean {
  if (notBefore === undefined || Date.parse(notBefore) <= now.getTime()) return false
  return Date.parse(queuedAt) - now.getTime() < clockMoves
}

/** In ms: a clock that is kept true moves by less. */
const clockMoves = 300_000

/** In ms since the epoch: from when on it may be sent. */
function dueAt({ queuedAt, notBefore }: Delivery): number {
  return Date.parse(notBefore ?? queuedAt)
}

/**
 * What a later message of the same thread makes pointless, as long as it was not tried: an update or a reminder always;
 * of an alert that was over before the quiet hours were, its end alone is sent.
 */
function findSuperseded(waiting: readonly Delivery[]): readonly Delivery[] {
  const last = new Map(waiting.map((one) => [one.message.thread, one.id]))
  return waiting.filter(({ id, message: { kind, thread }, notBefore, attempts }) => {
    if (attempts > 0 || last.get(thread) === id) return false
    return kind === 'update' || kind === 'reminder' || (kind === 'alert' && notBefore !== undefined)
  })
}

function ends(
  deliveries: readonly Delivery[],
  state: 'superseded' | 'expired',
  { now, why }: { readonly now: Date; readonly why?: string },
): readonly Delivery[] {
  return deliveries.map((one) => ({
    ...one,
    state,
    endedAt: now.toISOString(),
    ...(why === undefined ? {} : { why }),
  }))
}

/** `12 older messages were not sent`: what they were about, newest first. */
function summarizeExpired(expired: readonly Delivery[], voice: Voice, now: Date): Message {
  const said = `${counted(expired.length, 'older message')} ${expired.length === 1 ? 'was' : 'were'} not sent`
  const why = expired.findLast((one) => one.why !== undefined)?.why
  const note = {
    topic: 'notifications.expired',
    subject: 'notifications',
    about: String(expired[0]!.id),
    headline: said,
    text: why === undefined ? said : `${said}, because ${why}`,
    details: expired
      .slice(-namedExpired)
      .toReversed()
      .map(({ message }) => message.title),
    severity: 'warning' as const,
  }
  return composeNote(note, voice, now.toISOString())
}

/** In ms: between two attempts, after so many that failed in a row. `spread` of 0 to 1 keeps channels from marching in step. */
export function backoff(failures: number, spread: number): number {
  const whole = Math.min(longestBackoff, 1_000 * 2 ** Math.min(failures - 1, 10))
  return Math.round(whole * (0.8 + 0.4 * spread))
}

/** A minute: in an outage the Internet comes back for minutes. */
const longestBackoff = 60_000
