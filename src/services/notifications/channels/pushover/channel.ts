import { messageOf } from '../../../../core/errors.ts'
import type { OpenChannel, OutgoingMessage, Sent } from '../../channel.ts'
import { postPushover, type PushoverAccess } from './api.ts'
import type { PushoverConfig } from './config.ts'
import { fieldsOf } from './payload.ts'
import { createReceipts } from './receipts.ts'

/**
 * Pushover (pushover.net/api). What was sent can't be changed. What is shown until somebody confirms it has a receipt, by
 * which it is taken back when it is over.
 */
export const open: OpenChannel<PushoverConfig> = async (config, means) => {
  const { name, files, log, trust } = means
  const read = (key: 'token' | 'user') => files.readSecret(config[key], `notifications.channels.${name}.${key}`)
  const access: PushoverAccess = {
    server: config.server,
    trust,
    token: await read('token'),
    user: await read('user'),
    doing: `${name} (Pushover)`,
  }
  const receipts = createReceipts(access, means)

  /** What takes the place of another: that is taken back last, or it would be sent twice where this fails. */
  const takeBack = async (receipt: string, signal: AbortSignal) => {
    try {
      await receipts.cancel(receipt, signal)
    } catch (error) {
      log.warn({}, `${name}: an earlier message is still shown: ${messageOf(error)}`)
    }
  }
  const send = async (message: OutgoingMessage, signal: AbortSignal, ref?: string): Promise<Sent> => {
    const earlier = ref ?? receipts.ofThread(message.thread)
    if (message.kind === 'settled' && earlier !== undefined) await receipts.cancel(earlier, signal)
    const fields = { user: access.user, ...fieldsOf(message, config) }
    const { receipt } = await postPushover(access, '1/messages.json', fields, signal)
    // It becomes part of a path.
    if (typeof receipt !== 'string' || !/^[A-Za-z0-9]+$/.test(receipt)) return {}
    receipts.add(receipt, message)
    if (earlier !== undefined && message.kind !== 'settled') await takeBack(earlier, signal)
    return { ref: receipt }
  }
  return {
    send: (message, signal) => send(message, signal),
    // What is only news of the same is left out: it would be one more message.
    update: async (ref, message, signal) => (message.kind === 'update' ? { ref } : send(message, signal, ref)),
    run: (signal) => receipts.watch(signal),
  }
}
