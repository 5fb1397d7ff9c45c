import type { AlertId, AlertKind } from './alert-kinds.ts'
import { type Action, parseAction } from './notify/action.ts'
import type { RecordKind } from './records.ts'
import { listOf, object, oneOf, optional, text, time } from './shape.ts'

/** `critical`: the power is not guarded, or data is at stake. `warning`: something waits for a person. */
export type Severity = 'info' | 'warning' | 'critical'

/** What an alert says, as long as it is open. */
export interface AlertContent {
  readonly severity: Severity
  /** The subject: a node, a UPS, a job, or `cluster`. */
  readonly subject: string
  /** The condition, as a sentence in the present tense, without a full stop. */
  readonly text: string
  /** What to do about it, as a sentence in the imperative, without a full stop; absent where it settles by itself. */
  readonly action?: string
  /** What a person may request at once, most urgent first: buttons of a message. */
  readonly offers?: readonly Action[]
}

/** A condition that a person should know about: opened once, settled once, and kept over restarts. */
export interface Alert extends AlertContent {
  /** Its kind, and a name where there are several of the kind: `rollout.stuck`, `ups.silent:rack`. */
  readonly id: string
  /** ISO 8601: when it was opened. */
  readonly since: string
  /** ISO 8601; absent as long as it is open. */
  readonly settledAt?: string
  /** How it ended, as a sentence without a full stop; absent where its condition simply holds no more. */
  readonly ending?: string
}

/** `changed`: the alert stays open with another text. */
export type AlertChange = 'opened' | 'changed' | 'settled'

export type AlertListener = (alert: Alert, change: AlertChange) => void

export interface Alerts {
  /** Opens an alert, or updates the text of one that is open. Returns whether its text is new. */
  open(id: AlertId, content: AlertContent): boolean
  /**
   * The same for what changes with every reading: the text of an open alert follows its figures, and neither the journal
   * nor a listener hears of each. A new severity is told as by `open`.
   */
  refresh(id: AlertId, content: AlertContent): void
  /**
   * Settles an alert. Returns whether it was open. `ending` says how it ended, where that is not that its condition holds
   * no more: a release that waits for approval may be approved, or be followed by another one.
   */
  settle(id: AlertId, ending?: string): boolean
  /** Opens the alert, or settles it where `content` is undefined. Returns what `open` returns. */
  report(id: AlertId, content: AlertContent | undefined, ending?: string): boolean
  /**
   * Reports all alerts of a kind at once, one for each name: `node.armed` with `w-1` is `node.armed:w-1`. Those of the
   * kind that are not among them are settled, also of what has left the configuration.
   */
  reportEach(kind: AlertKind, contents: ReadonlyMap<string, AlertContent>): void
  /** Settles the open alerts that match the test, as `settle` does. */
  settleWhere(test: (alert: Alert) => boolean, ending?: string): void
  /** The open alert with this id. */
  find(id: string): Alert | undefined
  /** Open alerts: the most severe first, among critical ones those about the power, then the oldest. */
  readonly all: readonly Alert[]
  /** Settled alerts, those that were opened last first, at most `limit`; only those with a key below `before`. */
  settled(limit: number, before?: string): readonly Alert[]
  /** Called with each alert that is opened, changed or settled. A listener that throws affects no other. */
  subscribe(listener: AlertListener): Disposable
}

const severities: readonly Severity[] = ['critical', 'warning', 'info']

/** Alerts by when they were opened, and which they are. */
export const alertKind: RecordKind<Alert> = {
  name: 'alert',
  parse: object<Alert>({
    id: text,
    severity: oneOf<Severity>({ critical: true, warning: true, info: true }),
    subject: text,
    text,
    action: optional(text),
    offers: optional(listOf(parseAction)),
    since: time,
    settledAt: optional(time),
    ending: optional(text),
  }),
  keyOf: ({ id, since }) => `${since} ${id}`,
  isOpen: ({ settledAt }) => settledAt === undefined,
  retention: { most: 2_000, age: 400 * 86_400_000 },
}

/** What the guard of the power can't do, or machines that are down: nothing else that is as severe waits as little. */
const aboutPower = [
  'outage',
  'power',
  'ups',
  'daemon.standstill',
  'job.failed:shut-down-cluster',
  'job.failed:wake-cluster',
  'journal.unmarked',
] as const

/** The most severe first; among critical ones those about the power, then the oldest. */
export function compareAlerts(a: Alert, b: Alert): number {
  const rank = ({ id, severity }: Alert) =>
    severity === 'critical' && aboutPower.some((kind) => isOfKind(id, kind)) ? -1 : severities.indexOf(severity)
  const bySeverity = rank(a) - rank(b)
  if (bySeverity !== 0) return bySeverity
  return a.since < b.since ? -1 : a.since > b.since ? 1 : a.id < b.id ? -1 : 1
}

/** The alert as one line: the condition, then the action. */
export function describeAlert({ text, action }: AlertContent): string {
  if (action === undefined) return text
  return `${text}${/[.?!]$/.test(text) ? '' : '.'} ${action}`
}

/** What an alert is about, in short: its first clause. What follows is the reason, and what comes of it. */
export function headOf({ text }: Pick<AlertContent, 'text'>): string {
  const [clause = text] = text.split(/(?<=[^\d])[;:] |(?<=[^\d])\. /)
  return clause
}

/**
 * The first words of all kinds of alerts that are about something with a name, which may be taken away. Nothing reports on
 * it any more then, not even over a restart; so whoever knows what there is says so by `settleGone` when it starts. The
 * kinds that are not here end with the one thing that they are about: `outage`, `rollout`, `journal`.
 */
export const namedKinds = ['channel', 'credentials', 'job', 'machine', 'node', 'schematic', 'service', 'ups'] as const

export type NamedKind = (typeof namedKinds)[number]

const goneWords = 'it is no longer configured'

/** Settles the alerts about what no longer exists, of the kinds that are given with the names of all that there is. */
export function settleGone(
  alerts: Pick<Alerts, 'settleWhere'>,
  existing: Readonly<Partial<Record<NamedKind, Iterable<string>>>>,
): void {
  for (const [kind, names] of Object.entries(existing)) {
    const there = new Set<string | undefined>(names)
    alerts.settleWhere(({ id }) => isOfKind(id, kind) && !there.has(nameIn(id)), goneWords)
  }
}

/** Whether an id belongs to this kind: `ups.silent:rack` belongs to `ups.silent` and to `ups`. */
export function isOfKind(id: string, kind: string): boolean {
  return id === kind || id.startsWith(`${kind}:`) || id.startsWith(`${kind}.`)
}

/** The name in an alert's id: `rack` in `ups.silent:rack`; undefined if there is only one of the kind. */
function nameIn(id: string): string | undefined {
  const colon = id.indexOf(':')
  return colon < 0 ? undefined : id.slice(colon + 1)
}
