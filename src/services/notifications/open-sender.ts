import { setTimeout as sleep } from 'node:timers/promises'
import { printableDeep } from '../../core/printable.ts'
import type { Message } from '../../core/notify/message.ts'
import type { Actions } from '../../operations/actions.ts'
import type { Files, ServiceContext } from '../../operations/service.ts'
import type { OutgoingMessage } from './channel.ts'
import { loadKind } from './channels/kinds.ts'
import type { Outbox } from './outbox.ts'
import type { NotificationsSection } from './section.ts'
import { createSender, type Sender } from './sender.ts'
import { readTrust } from './trust.ts'
import { voiceOf } from './voice.ts'

type Context = ServiceContext<NotificationsSection>

export interface SenderMeans {
  readonly context: Context
  readonly outbox: Outbox
  readonly actions: Actions
  /** What it reads its secrets with. */
  readonly files: Files
}

/** The sender of a channel, which is opened with its secrets as they are. */
export function openSender(name: string, { context, outbox, actions, files }: SenderMeans): Sender {
  const { section, alerts, log, meter, now, monotonic } = context
  const config = section.channels[name]!
  const means = {
    name,
    files,
    log: log.child({ channel: name }),
    buttonsFail: (why: string | undefined) => reportButtons(alerts, name, why),
    worst: () => {
      const [worst] = alerts.all
      return worst && { critical: worst.severity === 'critical', text: worst.text }
    },
    now,
    pause: async (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {}),
  }
  return createSender({
    name,
    open: async () => {
      const own = 'ca' in config ? config.ca : undefined
      const trust = await readTrust({ own, shared: section.ca }, `notifications.channels.${name}`, files)
      return (await loadKind(config))(config, { ...means, trust })
    },
    outbox,
    voice: () => voiceOf(context),
    expireAfter: section.expireAfter,
    outgoing: (message) => outgoingOf(message, name, context, actions),
    alerts,
    log,
    tried: (outcome) => meter.count('caretaker_notifications_total', { channel: name, outcome }),
    now,
    monotonic,
  })
}

/** That buttons of a channel are not heard is an alert. */
export function reportButtons(alerts: Context['alerts'], name: string, why: string | undefined): void {
  const content = why !== undefined && {
    severity: 'warning' as const,
    subject: name,
    text: `buttons that are pressed in ${name} do nothing: ${why}`,
    action: 'Fix the channel; until then use the commands of `caretaker`',
  }
  alerts.report(`channel.buttons:${name}`, content || undefined)
}

function outgoingOf(message: Message, channel: string, context: Context, actions: Actions): OutgoingMessage {
  const base = context.publicUrl()
  const { buttons, ...rest } = message
  return {
    // Its subject too may be a word of others, and stands in a template.
    ...printableDeep(rest),
    homelab: voiceOf(context).homelab,
    buttons: buttons.map(({ label, action }) => {
      const token = actions.issue(channel, action)
      return { label, token, ...(base === undefined ? {} : { url: actionUrl(base, channel, token) }) }
    }),
  }
}

/** Where a button is pressed in a browser: `https://nas.lan:8420/act/phone/c…`. */
function actionUrl(base: string, channel: string, token: string): string {
  return new URL(`act/${channel}/${token}`, base.endsWith('/') ? base : `${base}/`).href
}
