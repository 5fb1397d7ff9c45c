import { onTestFinished } from 'vitest'
import type { OutgoingMessage } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/pushover/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/pushover/config.ts'
import { type LabPushoverOptions, startPushover } from '../../../../lab/notify/pushover.ts'
import { meansWith } from '../../means.ts'
import { messageWith } from '../../outgoing-message.ts'

export const secrets = { token: 'azGDORePK8gMaC0QOYAMyEEcanary1', user: 'uQiRzpo4DXghDmr9QzzfQu27canary' }

const { signal } = new AbortController()

/** A channel to a Pushover of its own. */
export async function pushoverLab(
  more: Readonly<Record<string, unknown>> = {},
  { own = secrets, ...options }: Partial<LabPushoverOptions> & { own?: Readonly<Record<string, string>> } = {},
) {
  const pushover = await startPushover({ address: '127.0.201.8', ...secrets, ...options })
  onTestFinished(() => pushover[Symbol.asyncDispose]())
  const means = meansWith(own)
  const access = { token: { file: 'token' }, user: { file: 'user' } }
  const start = () => open(config.parse({ type: 'pushover', server: pushover.url, ...access, ...more }), means)
  const channel = await start()
  return {
    /** The same channel after a restart. */
    start,
    pushover,
    means,
    channel,
    send: (what: Partial<OutgoingMessage> = {}) => channel.send(messageWith(what), signal),
    update: (ref: string, what: Partial<OutgoingMessage> = {}) => channel.update!(ref, messageWith(what), signal),
  }
}
