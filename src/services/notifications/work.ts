import { setTimeout as sleep } from 'node:timers/promises'
import { type Alert, settleGone } from '../../core/alert.ts'
import { counted } from '../../core/count.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { createNews } from '../../core/news.ts'
import type { Event } from '../../core/event.ts'
import { composeEvent, threadOfAlert } from '../../core/notify/compose.ts'
import type { Message } from '../../core/notify/message.ts'
import { presserOf } from '../../core/notify/presser.ts'
import type { Audience, NotificationPolicy } from '../../core/notify/plan.ts'
import { channelsFor, defaultRoutes, quietUntil } from '../../core/notify/routing.ts'
import type { RunningService } from '../../core/service.ts'
import { createActions, type Actions } from '../../operations/actions.ts'
import { remembered } from '../../operations/facts.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { Press, PressAnswer } from './channel.ts'
import { openSender, reportButtons } from './open-sender.ts'
import { planApart } from './plan-apart.ts'
import { createReadFiles, followFiles } from './read-files.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { NotificationsSection } from './section.ts'
import type { Sender } from './sender.ts'
import { testChannels } from './test-message.ts'
import { voiceOf } from './voice.ts'

type Context = ServiceContext<NotificationsSection>

/** In ms: reminders and updates come due without anything happening. */
const looksEvery = 30_000
/** So many outages and rollouts are looked through: whatever is older was sent, or is not news. */
const looksBack = 20
/** So many settled alerts are looked through at the start, which is all: one that was open for long is far behind. */
const settledBefore = 2_000
/** In ms: before a channel that fails to listen is tried again. */
const listensAgainAfter = 30_000

/** Opens the channels, and sends by them what is to be sent, until it is disposed of. */
export async function startNotifications(context: Context): Promise<RunningService> {
  const { section, alerts, ports, signal } = context
  const names = Object.keys(section.channels)
  settleGone(alerts, { channel: names })
  const outbox = createOutbox(ports.journal, context.now)
  dropOthers(outbox, context, names)
  for (const name of names) outbox.forgetRefused(name)
  if (names.length === 0) {
    alerts.report(faultsId, undefined)
    return { status: () => 'no channel is configured', [Symbol.asyncDispose]: async () => {} }
  }

  const actions = createActions({
    key: await context.key('actions'),
    operator: context.operator,
    alerts,
    journal: ports.journal,
    power: context.power,
    config: context.config,
    now: context.now,
  })
  const channels = names.map((name) => {
    const read = createReadFiles(context.files)
    return { name, read, sender: openSender(name, { context, outbox, actions, files: read.files }) }
  })
  const senders = new Map(channels.map(({ name, sender }) => [name, sender]))
  const planning = startPlanning(context, outbox, senders)
  const followed = channels.map(({ name, read, sender }) => ({
    read,
    changed: () => {
      context.log.info({ channel: name }, 'a channel is reopened: its settings or secrets have changed')
      sender.renew()
      outbox.forgetRefused(name)
      planning.look()
    },
  }))
  const work = [
    ...channels.flatMap(({ name, sender }) => runChannel(sender, name, { context, actions })),
    followFiles(followed, signal),
  ]
  const notifier = context.notifyThrough({
    test: (channel, asked) => testChannels(channel, { senders, outbox, context, asked }),
  })
  return {
    status: () => describeSenders(senders, outbox),
    [Symbol.asyncDispose]: async () => {
      notifier[Symbol.dispose]()
      planning[Symbol.dispose]()
      // Its signal has aborted: what is in flight ends at once, and is sent again at the next start.
      if (signal.aborted) await Promise.all(work)
    },
  }
}

/** What waits for channels that are gone is given up, and said to be. */
function dropOthers(outbox: Outbox, { now }: Context, names: readonly string[]): void {
  for (const delivery of outbox.abandoned(names))
    outbox.keep({
      ...delivery,
      state: 'refused',
      why: 'the channel is no longer configured',
      endedAt: now().toISOString(),
    })
}

interface Planning extends Disposable {
  /** Looks again for what is to be sent, soon. */
  look(): void
}

/** Puts into the outbox what is to be sent: at each alert and event, and now and then. */
function startPlanning(context: Context, outbox: Outbox, senders: ReadonlyMap<string, Sender>): Planning {
  const { section, alerts, ports, now } = context
  const routes = section.routes ?? defaultRoutes([...senders.keys()])
  const since = rememberChannels(context, [...senders.keys()])
  const quiet = () => {
    const { quiet: hours } = section
    return hours && { ...hours, timeZone: hours.timeZone ?? context.config().upgrade.timeZone }
  }

  function add(channel: string, message: Message, notBefore?: string): void {
    outbox.add(channel, message, notBefore)
    senders.get(channel)!.wake(message.severity === 'critical')
  }

  /** By thread: what may still be reported to be over. */
  const settled = new Map<string, Alert>()
  const settle = (alert: Alert) => settled.set(threadOfAlert(alert), alert)
  alerts.settled(settledBefore).forEach(settle)

  function look(): void {
    const policy: NotificationPolicy = { routes, quiet: quiet(), remindEvery: section.remindEvery }
    const audiences = [...senders.keys()].map((channel): Audience => ({
      channel,
      sent: outbox.sent(channel),
      since: since[channel]!,
    }))
    const present = {
      alerts: [...alerts.all, ...settled.values()],
      outages: ports.journal.outages(looksBack),
      rollouts: ports.journal.rollouts(looksBack),
    }
    const { notifications, faults } = planApart(present, audiences, { policy, voice: voiceOf(context), now: now() })
    for (const { channel, message, notBefore } of notifications) add(channel, message, notBefore)
    settled.clear()
    reportFaults(context, faults)
  }

  function tellEvent(event: Event): void {
    const message = composeEvent(event, voiceOf(context), now().toISOString())
    const notBefore = quietUntil(message, quiet(), now())?.toISOString()
    for (const channel of channelsFor(message, routes)) add(channel, message, notBefore)
  }

  let soon: NodeJS.Immediate | undefined
  /** Not in the middle of what has just happened: a shutdown goes first. */
  function lookSoon(): void {
    soon ??= setImmediate(() => {
      soon = undefined
      try {
        look()
      } catch (error) {
        reportFaults(context, [error])
      }
    })
  }

  const subscription = alerts.subscribe((alert, change) => {
    if (change === 'settled') settle(alert)
    lookSoon()
  })
  context.onEvent((event) => {
    tellEvent(event)
    lookSoon()
  })
  const timer = setInterval(lookSoon, looksEvery).unref()
  lookSoon()
  return {
    look: lookSoon,
    [Symbol.dispose]: () => {
      subscription[Symbol.dispose]()
      clearInterval(timer)
      clearImmediate(soon)
    },
  }
}

/** Faults of ours: what could not be put into words is sent by nobody, so that is an alert. */
function reportFaults({ alerts, log }: Context, faults: readonly unknown[]): void {
  const [first] = faults
  if (first === undefined) return void alerts.report(faultsId, undefined)
  if (alerts.all.every(({ id }) => id !== faultsId))
    log.error({ err: first }, 'what is to be sent could not be planned')
  alerts.report(faultsId, {
    severity: 'warning',
    subject: 'notifications',
    text: `${counted(faults.length, 'message')} can't be written because of a fault of Caretaker: ${messageOf(first)}`,
    action: 'See `caretaker alerts` and `caretaker status` for what is so; report it with what the log says',
  })
}
const faultsId = 'notifications.faulty'

/** Since when each channel is there: what was over before is no news for it. */
function rememberChannels(
  { ports: { journal }, now }: Context,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const known = remembered.channels.recall(journal) ?? {}
  // A clock that was ahead would make a channel hear of nothing for as long.
  const present = Object.fromEntries(
    names.map((name) => [name, [known[name] ?? '9999', now().toISOString()].toSorted()[0]!]),
  )
  remembered.channels.remember(journal, present)
  return present
}

interface PressMeans {
  readonly context: Context
  readonly actions: Actions
}

/** What a channel does as long as the service runs; each ends with the signal. */
function runChannel(sender: Sender, name: string, { context, actions }: PressMeans): readonly Promise<void>[] {
  const { signal, log } = context
  const press = (pressed: Press) => answerPress(pressed, name, { context, actions })

  async function beside(): Promise<void> {
    const news = createNews()
    while (!signal.aborted) {
      try {
        const { channel, replaced } = await sender.opened(signal)
        if (!channel.listen) reportButtons(context.alerts, name, undefined)
        if (!channel.listen && !channel.run) return
        const either = AbortSignal.any([signal, replaced])
        await Promise.all([channel.listen?.(press, either), channel.run?.(either)])
        if (replaced.aborted) continue
      } catch (error) {
        const reason = messageOf(error)
        if (!signal.aborted && news.isNew(reason)) log.warn({ channel: name, reason }, 'a channel does not listen')
      }
      if (!signal.aborted) await sleep(listensAgainAfter, undefined, { signal }).catch(() => {})
    }
  }

  return [sender.run(signal), beside()]
}

/** Does what a button says, on behalf of whoever pressed it. */
async function answerPress(
  { token, who }: Press,
  channel: string,
  { context, actions }: PressMeans,
): Promise<PressAnswer> {
  const by = presserOf(channel, { who })
  try {
    const { said } = await actions.perform(channel, token, { by, signal: context.signal })
    return { done: true, said }
  } catch (error) {
    if (!(error instanceof AgentError)) context.log.error({ err: error, channel }, 'a button failed')
    return { done: false, said: error instanceof AgentError ? error.message : 'internal error; see the log' }
  }
}

/** `2 channels; 3 messages wait: phone: ntfy at ntfy.sh: …`. */
function describeSenders(senders: ReadonlyMap<string, Sender>, outbox: Outbox): string {
  const count = [...senders.keys()].reduce((sum, name) => sum + outbox.waiting(name).length, 0)
  const troubles = [...senders].flatMap(([name, { trouble }]) =>
    trouble === undefined ? [] : [trouble.startsWith(name) ? trouble : `${name}: ${trouble}`],
  )
  const waits = count === 0 ? '' : `; ${counted(count, 'message waits', 'messages wait')}`
  return `${counted(senders.size, 'channel')}${waits}${troubles.length === 0 ? '' : `: ${troubles.join('; ')}`}`
}
