import type { Severity } from '../alert.ts'
import type { Action } from './action.ts'

/**
 * `alert`: it opened, or became more severe. `update`: it says something else. `reminder`: it is still open. `settled`: it
 * is over. `note`: an event or a digest, which is never settled.
 */
export type MessageKind = 'alert' | 'update' | 'reminder' | 'settled' | 'note'

/** What people are sent, before it is known by which channel. Plain data, kept in the outbox. */
export interface Message {
  /** Its name for ever, `[-_A-Za-z0-9]{1,64}`: sent twice under it, it is still one message where a channel can tell. */
  readonly id: string
  /** What it is about, likewise: a later message of a thread replaces the earlier where a channel can. */
  readonly thread: string
  readonly kind: MessageKind
  readonly severity: Severity
  /** For routes: the id of the alert (`ups.silent:rack`), the type of the event, or `digest.rollout`, `digest.outage`. */
  readonly topic: string
  /** A node, a UPS, a job, `cluster`. */
  readonly subject: string
  /** ISO 8601: when it happened. */
  readonly at: string
  /** For a lock screen: the homelab and what happened, 100 characters at most, one line. */
  readonly title: string
  /** What happened and what to do, in a sentence or two, one line. */
  readonly text: string
  /** The long form: lines for whoever opens it. Absent where there is no more to say. */
  readonly details?: readonly string[]
  /** What a person may do about it; at most three, the first is the most urgent. */
  readonly buttons: readonly Button[]
}

export interface Button {
  /** 20 characters at most: `Cancel shutdown`. */
  readonly label: string
  readonly action: Action
}
