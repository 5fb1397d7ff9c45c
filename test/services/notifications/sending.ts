import type { AlertContent } from '../../../src/core/alert.ts'
import { AgentError } from '../../../src/core/errors.ts'
import type { Journal } from '../../../src/core/journal.ts'
import type { Message } from '../../../src/core/notify/message.ts'
import type { Channel, OutgoingMessage, Sent } from '../../../src/services/notifications/channel.ts'
import { createOutbox } from '../../../src/services/notifications/outbox.ts'
import { createSender, type SenderOptions } from '../../../src/services/notifications/sender.ts'
import { silentLog } from '../../fakes/log.ts'

/** What becomes of a message: taken, taken while its answer is lost, or refused with an error. */
export type Fate = 'taken' | 'lost' | 'hangs' | AgentError

/** A channel that takes what its fate lets through, and shows all that ever arrived. */
export function fakeChannel(fate: (message: OutgoingMessage) => Fate = () => 'taken', canUpdate = false) {
  const arrived: string[] = []
  const take = async (message: OutgoingMessage, how: string): Promise<Sent> => {
    const becomes = fate(message)
    if (becomes instanceof Error) throw becomes
    if (becomes === 'hangs') return new Promise(() => {})
    arrived.push(`${how}${message.title}`)
    if (becomes === 'lost') throw new AgentError('unreachable', 'the connection was cut')
    return { ref: message.thread }
  }
  const channel: Channel = {
    send: (message) => take(message, ''),
    ...(canUpdate ? { update: (ref: string, message: OutgoingMessage) => take(message, `over ${ref}: `) } : {}),
  }
  return { channel, arrived }
}

export function messageOf(title: string, changes: Partial<Message> = {}): Message {
  const at = new Date().toISOString()
  return {
    id: title,
    thread: title,
    kind: 'alert',
    severity: 'warning',
    topic: 'x',
    subject: 'x',
    at,
    title,
    text: title,
    buttons: [],
    ...changes,
  }
}

/** A sender that runs until it is disposed of, on a journal that outlives it. */
export function startSender(
  journal: Journal,
  channel: Channel | (() => Promise<Channel>),
  options: Partial<SenderOptions> = {},
) {
  const outbox = createOutbox(journal, () => new Date())
  const alerts = new Map<string, AlertContent>()
  const end = new AbortController()
  const sender = createSender({
    name: 'phone',
    open: typeof channel === 'function' ? channel : async () => channel,
    outbox,
    voice: () => ({ homelab: 'attic', timeZone: 'UTC' }),
    expireAfter: 86_400_000,
    outgoing: (message) => ({ ...message, homelab: 'attic', buttons: [] }),
    alerts: {
      report: (id, content) => {
        if (content) alerts.set(id, content)
        else alerts.delete(id)
        return false
      },
    },
    log: silentLog,
    now: () => new Date(),
    monotonic: () => performance.now(),
    spread: () => 0.5,
    ...options,
  })
  const running = sender.run(end.signal)
  return {
    outbox,
    alerts,
    sender,
    tell: (message: Message, notBefore?: string) => {
      outbox.add('phone', message, notBefore)
      sender.wake(message.severity === 'critical')
    },
    [Symbol.asyncDispose]: async () => {
      end.abort()
      await running
    },
  }
}
