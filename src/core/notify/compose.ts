import { type Alert, describeAlert, headOf } from '../alert.ts'
import { capitalized } from '../capitalized.ts'
import { describeDuration } from '../duration.ts'
import { describeEvent, type Event, subjectOf } from '../event.ts'
import { printable } from '../printable.ts'
import { describeTime } from '../time.ts'
import type { Action } from './action.ts'
import type { Button, Message, MessageKind } from './message.ts'
import { threadOf } from './thread.ts'

/** What every text needs to know. */
export interface Voice {
  /** The homelab's name, which begins every title: many a phone hears of several. */
  readonly homelab: string
  /** Of times in texts. */
  readonly timeZone: string
}

/** In characters: what a lock screen shows. */
const longestTitle = 100
/** In characters: what every channel takes. */
const longestText = 900

const labels: Readonly<Record<Action['do'], string>> = {
  cancel: 'Cancel shutdown',
  wake: 'Wake now',
  approve: 'Approve',
  pause: 'Pause rollouts',
  admit: 'Approve as worker',
  'turn-away': 'Reject',
}

/** The thread of an alert: what opens again is another one. */
export const threadOfAlert = ({ id, since }: Pick<Alert, 'id' | 'since'>): string => threadOf(id, since)

/** What is said of an alert, and when. */
export interface Saying {
  readonly kind: MessageKind
  /** How many messages its thread has on the channel already. */
  readonly count: number
  /** ISO 8601. */
  readonly at: string
}

/** What people are sent about an alert. */
export function composeAlert(alert: Alert, { kind, count, at }: Saying, voice: Voice): Message {
  const { id, severity, subject, since, settledAt } = alert
  const isOver = kind === 'settled'
  const lead = { alert: '', update: '', reminder: 'still open: ', settled: 'over: ', note: '' }[kind]
  return {
    ...frame({ thread: threadOfAlert(alert), count, kind, at }),
    severity,
    topic: id,
    subject,
    title: titleOf(voice, alert.text, lead),
    text: isOver ? shorten(describeEnd(alert), longestText) : textOfAlert(alert),
    details: [
      `Since ${describeTime(since, voice.timeZone)}${isOver ? `, until ${describeTime(settledAt ?? at, voice.timeZone)}` : ''}`,
    ],
    buttons: isOver ? [] : buttonsFor(alert.offers ?? []),
  }
}

/** How an alert ended: what was planned as long as it was open is not news then. */
function describeEnd(alert: Alert): string {
  const { text, since, settledAt, ending } = alert
  const lasted = settledAt === undefined ? '' : `It lasted ${describeDuration(spanOf(since, settledAt))}`
  return ending === undefined ? sentences(text, lasted) : sentences(headOf(alert), capitalized(ending), lasted)
}

/** What people are sent about an alert as long as it is open. */
export function textOfAlert(alert: Alert): string {
  return shorten(printable(describeAlert(alert)), longestText)
}

/** What people are sent about an event. */
export function composeEvent(event: Event, voice: Voice, at: string): Message {
  const text = printable(describeEvent(event))
  return {
    ...frame({ thread: threadOf(`${event.type}-${subjectOf(event)}`, at), count: 0, kind: 'note', at }),
    severity: 'info',
    topic: event.type,
    subject: subjectOf(event),
    title: titleOf(voice, text),
    text: shorten(text, longestText),
    buttons: buttonsFor(offersOf(event)),
  }
}

/** What a person may do about an event at once. */
function offersOf(event: Event): readonly Action[] {
  if (event.type === 'rollout.started') return [{ do: 'pause', subject: event.version }]
  return event.type === 'approval.needed' ? [{ do: 'approve', subject: event.version }] : []
}

/** A message that is about no alert: a digest, a test, a summary. */
export interface Note extends Pick<Message, 'topic' | 'subject' | 'text'> {
  /** What follows the homelab's name. */
  readonly headline: string
  /** What makes it one of its own, beside its topic. */
  readonly about: string
  readonly details?: readonly string[]
  readonly severity?: Message['severity']
}

export function composeNote(note: Note, voice: Voice, at: string): Message {
  const { topic, subject, text, headline, about, details = [], severity = 'info' } = note
  return {
    ...frame({ thread: threadOf(`${topic}-${about}`, at), count: 0, kind: 'note', at }),
    severity,
    topic,
    subject,
    title: titleOf(voice, headline),
    text: shorten(printable(text), longestText),
    details: details.map((line) => shorten(printable(line), longestText)),
    buttons: [],
  }
}

/** The same every time that it is composed, so that what is sent twice is known as one. */
function frame({ thread, count, kind, at }: { thread: string; count: number; kind: MessageKind; at: string }) {
  return { id: `${thread}-${count}`, thread, kind, at }
}

function buttonsFor(offers: readonly Action[]): readonly Button[] {
  return offers.slice(0, 3).map((action) => ({ label: labelOf(action), action }))
}

/** What a button says, in 20 characters at most. */
export function labelOf(action: Action): string {
  return action.do === 'approve' ? `${labels.approve} ${action.subject}`.slice(0, 20) : labels[action.do]
}

function titleOf({ homelab }: Voice, text: string, lead = ''): string {
  // What follows its head is in the text.
  return shorten(printable(`${homelab}: ${lead}${headOf({ text })}`), longestTitle)
}

function sentences(...parts: readonly string[]): string {
  return printable(
    parts
      .filter((part) => part !== '')
      .map((part) => (/[.?!]$/.test(part) ? part : `${part}.`))
      .join(' '),
  )
}

/** By characters as people count them, with `…` where something is left out. */
export function shorten(text: string, longest: number): string {
  const characters = Array.from(text)
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`
}

/** Clocks may be set back. */
const spanOf = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from))
