import { isOfKind, type Severity } from '../alert.ts'
import { type Day, days, windowAt } from '../upgrade/window.ts'
import type { Message } from './message.ts'

/** What goes to which channels. */
export interface Route {
  readonly channels: readonly string[]
  /** Alerts as severe as this, and more severe ones. */
  readonly severity: Severity
  /** Ids of alerts, types of events, `digest.outage`, `digest.rollout`, or their first words; absent: alerts and digests. */
  readonly topics?: readonly string[] | undefined
  /** Only what is about one of these. */
  readonly subjects?: readonly string[] | undefined
}

/** Every warning, every critical alert and every digest, to everybody. */
export function defaultRoutes(channels: readonly string[]): readonly Route[] {
  return [{ channels, severity: 'warning' }]
}

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }

/** Whether the first is at least as severe as the second. */
export function isAsSevere(severity: Severity, as: Severity): boolean {
  return ranks[severity] >= ranks[as]
}

/** What a route needs to know of a message. */
export type Routed = Pick<Message, 'kind' | 'severity' | 'topic' | 'subject'>

/** The channels that a message goes to, each once, in the order of the routes. */
export function channelsFor(message: Routed, routes: readonly Route[]): readonly string[] {
  return [...new Set(routes.filter((route) => takes(route, message)).flatMap(({ channels }) => channels))]
}

function takes({ severity, topics, subjects }: Route, message: Routed): boolean {
  if (subjects && !subjects.includes(message.subject)) return false
  const isNamed = topics?.some((topic) => isOfKind(message.topic, topic)) ?? false
  if (topics && !isNamed) return false
  // Events are for those who name them; a digest is what everybody wants once it is over.
  if (message.kind === 'note') return isNamed || isOfKind(message.topic, 'digest')
  return isAsSevere(message.severity, severity)
}

/** Hours in which only what is urgent is sent, by the wall clock of a time zone. */
export interface QuietHours {
  /** `22:00`. */
  readonly from: string
  /** `07:00`; at or before `from` it is on the next day. */
  readonly to: string
  /** The days on which they begin; absent: every day. */
  readonly days?: readonly Day[] | undefined
  readonly timeZone: string
}

/** Until when a message waits, as it is quiet now; undefined: it is sent at once. */
export function quietUntil(
  { severity, topic }: Pick<Message, 'severity' | 'topic'>,
  quiet: QuietHours | undefined,
  now: Date,
): Date | undefined {
  if (!quiet || severity === 'critical' || isUrgent(topic)) return undefined
  const { days: begins = days, from, to, timeZone } = quiet
  const state = windowAt([{ days: begins, from, to }], timeZone, now)
  return state.open ? state.closesAt : undefined
}

/** The power is sent at any hour, and at once. */
export const isUrgent = (topic: string): boolean => urgentKinds.some((kind) => isOfKind(topic, kind))

const urgentKinds = ['power', 'outage', 'ups', 'digest.outage'] as const
