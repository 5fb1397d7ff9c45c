import { describeUnknown } from '../../core/count.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { composeNote } from '../../core/notify/compose.ts'
import type { Asked } from '../../core/operator.ts'
import type { TestAnswer } from '../../core/notify/test-answer.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { Outbox } from './outbox.ts'
import type { NotificationsSection } from './section.ts'
import type { Sender } from './sender.ts'
import { voiceOf } from './voice.ts'

export interface TestMeans {
  readonly senders: ReadonlyMap<string, Sender>
  readonly outbox: Outbox
  readonly context: ServiceContext<NotificationsSection>
  readonly asked: Asked
}

/** Sends a message to one channel, or to all, past what waits. @throws AgentError `not-found` */
export async function testChannels(
  channel: string | undefined,
  { senders, outbox, context, asked }: TestMeans,
): Promise<readonly TestAnswer[]> {
  const chosen = channel === undefined ? [...senders] : [...senders].filter(([name]) => name === channel)
  if (chosen.length === 0)
    throw new AgentError(
      'not-found',
      describeUnknown(channel === undefined ? [] : [channel], [...senders.keys()], ['channel', 'channels']),
    )
  return Promise.all(chosen.map(([name, sender]) => testOne(name, sender, { outbox, context, asked })))
}

async function testOne(
  name: string,
  sender: Sender,
  { outbox, context, asked: { by, signal } }: Pick<TestMeans, 'outbox' | 'context' | 'asked'>,
): Promise<TestAnswer> {
  const { now, monotonic } = context
  const begun = monotonic()
  const message = composeNote(
    {
      topic: 'notifications.test',
      subject: name,
      about: name,
      headline: 'this is a test',
      text: `${by.name} has requested a test message. Alerts of this homelab reach you here`,
    },
    voiceOf(context),
    now().toISOString(),
  )
  const took = () => Math.round(monotonic() - begun)
  try {
    await sender.send(message, AbortSignal.any([signal, context.signal]))
    outbox.log(name, message, { state: 'sent' })
    return { channel: name, sent: true, detail: 'sent', tookMs: took() }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    outbox.log(name, message, { state: 'refused', why: messageOf(error) })
    return { channel: name, sent: false, detail: messageOf(error), tookMs: took() }
  }
}
