import { once } from 'node:events'
import { AgentError, messageOf } from '../../../../core/errors.ts'
import type { ChannelMeans } from '../../channel.ts'
import { RetryAfter } from '../../outgoing.ts'
import { getPushover, postPushover, type PushoverAccess } from './api.ts'

/** In ms: Pushover allows a look every 5 s. */
const betweenLooks = 10_000

/** Receipts of messages that are shown until somebody confirms them. */
export interface Receipts {
  /** Looked at from now on, and the last one of its thread. */
  add(receipt: string, message: { readonly thread: string; readonly title: string }): void
  /** The last one of a thread that nobody has confirmed yet. */
  ofThread(thread: string): string | undefined
  /** It is shown no more. What can't be cancelled any longer is over. @throws AgentError one that is tried again */
  cancel(receipt: string, signal: AbortSignal): Promise<void>
  /** Looks at each until it is over, and the signal aborts. */
  watch(signal: AbortSignal): Promise<void>
}

export function createReceipts(access: PushoverAccess, { log, name, pause }: ChannelMeans): Receipts {
  const open = new Map<string, { readonly thread: string; readonly title: string }>()
  const added = new EventTarget()

  const look = async (receipt: string, title: string, signal: AbortSignal) => {
    const seen = await getPushover(access, `1/receipts/${receipt}.json`, signal)
    const isConfirmed = seen['acknowledged'] === 1
    if (!isConfirmed && seen['expired'] !== 1) return
    open.delete(receipt)
    const device = seen['acknowledged_by_device']
    const where = typeof device === 'string' && device !== '' ? ` on ${device}` : ''
    log.info({}, `${name}: ${title}: ${isConfirmed ? `confirmed${where}` : 'nobody has confirmed it'}`)
  }
  const lookOrForget = async (receipt: string, title: string, signal: AbortSignal) => {
    try {
      await look(receipt, title, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof AgentError && error.retryable)) open.delete(receipt)
      log.info({}, `${name}: the receipt of a message: ${messageOf(error)}`)
      if (error instanceof RetryAfter) await pause(error.after, signal)
    }
  }

  return {
    add: (receipt, message) => {
      for (const [earlier, { thread }] of open) if (thread === message.thread) open.delete(earlier)
      open.set(receipt, message)
      added.dispatchEvent(new Event('added'))
    },
    ofThread: (thread) => [...open].find(([, message]) => message.thread === thread)?.[0],
    cancel: async (receipt, signal) => {
      try {
        await postPushover(access, `1/receipts/${receipt}/cancel.json`, {}, signal)
      } catch (error) {
        if (!(error instanceof AgentError) || error.retryable) throw error
        log.info({}, `${name}: a message that is over: ${messageOf(error)}`)
      }
      open.delete(receipt)
    },
    watch: async (signal) => {
      while (!signal.aborted) {
        if (open.size === 0) await once(added, 'added', { signal }).catch(() => {})
        for (const [receipt, { title }] of open) {
          await pause(betweenLooks, signal)
          if (signal.aborted) return
          if (open.has(receipt)) await lookOrForget(receipt, title, signal)
        }
      }
    },
  }
}
