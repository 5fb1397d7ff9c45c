import { type Alert, isOfKind } from '../alert.ts'
import type { Outage } from '../power/outage.ts'
import type { Rollout } from '../upgrade/record.ts'
import { composeAlert, textOfAlert, threadOfAlert, type Voice } from './compose.ts'
import { composeOutageDigest, composeRolloutDigest, isWorthSending } from './digest.ts'
import type { Message } from './message.ts'
import { channelsFor, isAsSevere, isUrgent, quietUntil, type QuietHours, type Route, type Routed } from './routing.ts'
import type { SentThreads } from './thread.ts'

/** How the homelab is, as far as messages say it. */
export interface Reportable {
  /** Open alerts, and the newest of those that are settled. */
  readonly alerts: readonly Alert[]
  /** Newest first. */
  readonly outages: readonly Outage[]
  readonly rollouts: readonly Rollout[]
}

/** A channel, and what it knows. */
export interface Audience {
  readonly channel: string
  readonly sent: SentThreads
  /** ISO 8601: since when it is there. What was over before is not sent. */
  readonly since: string
}

export interface NotificationPolicy {
  readonly routes: readonly Route[]
  readonly quiet: QuietHours | undefined
  /** In ms; 0: never. */
  readonly remindEvery: number
}

/** How often what a channel shows of an alert is replaced because its text has changed, in ms. */
const updateEvery = 30_000

/** So often an alert that comes and goes is sent within so many ms. After that it has to stay open for so long. */
const flaps = { most: 3, within: 600_000, staysFor: 60_000 }

/** What can't be sent by the channel that it is about. */
const ofItself = ['channel.failing', 'channel.faulty'] as const

/** A message for a channel. */
export interface Notification {
  readonly channel: string
  readonly message: Message
  /** ISO 8601: until when it waits, because it is quiet. */
  readonly notBefore?: string
}

/**
 * What is to be sent now, from how things are and what was sent before. Whatever was lost on the way, by a crash or with an
 * event, is found at the next look.
 */
export function planNotifications(
  present: Reportable,
  audiences: readonly Audience[],
  { policy, voice, now }: { readonly policy: NotificationPolicy; readonly voice: Voice; readonly now: Date },
): readonly Notification[] {
  const at = now.toISOString()
  return audiences.flatMap((audience) => {
    const { channel, sent, since } = audience
    // That a channel fails is reported by the others.
    const hears = (message: Routed) =>
      !ofItself.some((kind) => message.topic === `${kind}:${channel}`) &&
      channelsFor(message, policy.routes).includes(channel)
    const alerts = inTurn(present.alerts).flatMap((alert): Message[] => {
      const before = sent.get(threadOfAlert(alert))
      const kind = kindFor(alert, before, policy, now)
      if (kind === undefined) return []
      if (!before && !hears({ kind, topic: alert.id, severity: alert.severity, subject: alert.subject })) return []
      if (!before && isFlapping(alert, sent, now)) return []
      return [composeAlert(alert, { kind, count: before?.count ?? 0, at }, voice)]
    })
    const digests = [
      ...present.rollouts.flatMap((rollout) => composeRolloutDigest(rollout, voice) ?? []),
      ...present.outages.flatMap((outage) =>
        isWorthSending(outage) ? (composeOutageDigest(outage, voice) ?? []) : [],
      ),
    ].filter((message) => message.at >= since && !sent.has(message.thread) && hears(message))
    return [...alerts, ...digests.toSorted((a, b) => (a.at < b.at ? -1 : 1))].map((message) => {
      const until = quietUntil(message, policy.quiet, now)
      return { channel, message, ...(until === undefined ? {} : { notBefore: until.toISOString() }) }
    })
  })
}

/** As they are, less that one which is over is sent before the same opened again. */
function inTurn(alerts: readonly Alert[]): readonly Alert[] {
  const same = Map.groupBy(alerts, ({ id }) => id)
  return [...same.values()].flatMap((those) => those.toSorted((a, b) => (a.since < b.since ? -1 : 1)))
}

/**
 * Whether an alert has come and gone so often that it is sent only once it stays. What is critical is sent at once, and so is
 * the power, which says itself that it flaps.
 */
function isFlapping({ id, severity, since }: Alert, sent: SentThreads, now: Date): boolean {
  const ago = (time: string) => Math.abs(now.getTime() - Date.parse(time))
  if (severity === 'critical' || isUrgent(id) || ago(since) >= flaps.staysFor) return false
  return [...sent.values()].filter(({ topic, at }) => topic === id && ago(at) < flaps.within).length >= flaps.most
}

/** A power cut goes from one stage to the next, which its first words name: each is news, also where nothing can be replaced. */
function isNextStage(alert: Alert, before: string): boolean {
  const stageIn = (text: string) => text.slice(0, text.search(/[:.]|$/))
  return isOfKind(alert.id, 'power.failed') && stageIn(textOfAlert(alert)) !== stageIn(before)
}

/** What a channel is to be sent about an alert, after what it was sent before; undefined: nothing. */
function kindFor(
  alert: Alert,
  before: ReturnType<SentThreads['get']>,
  { remindEvery }: NotificationPolicy,
  now: Date,
): Message['kind'] | undefined {
  if (alert.settledAt !== undefined) return before && before.kind !== 'settled' ? 'settled' : undefined
  if (!before) return 'alert'
  // It was more severe than it is: no reason to make a sound.
  if (!isAsSevere(before.severity, alert.severity) || isNextStage(alert, before.text)) return 'alert'
  // A clock that is set back by years would be silent for years.
  const since = (time: string) => Math.abs(now.getTime() - Date.parse(time))
  if (remindEvery > 0 && isAsSevere(alert.severity, 'warning') && since(before.loudAt) >= remindEvery) return 'reminder'
  const isNew = before.text !== textOfAlert(alert) || before.severity !== alert.severity
  return isNew && since(before.at) >= updateEvery ? 'update' : undefined
}
