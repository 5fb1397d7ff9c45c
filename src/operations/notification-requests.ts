import { AgentError } from '../core/errors.ts'
import { deliveryKind } from '../core/notify/delivery.ts'
import type { Asked, NotificationRequests } from '../core/operator.ts'
import type { TestAnswer } from '../core/notify/test-answer.ts'
import { readPage } from '../core/page.ts'
import type { RequestMeans } from './request.ts'

/** Whoever sends messages. */
export interface Notifier {
  /** Sends a test message to one channel, or to all. @throws AgentError `not-found` where there is no such channel */
  test(channel: string | undefined, asked: Asked): Promise<readonly TestAnswer[]>
}

export interface NotificationMeans extends RequestMeans {
  /** The notifier that runs, if any. */
  notifier(): Notifier | undefined
}

/** Requests about what people are told. */
export function createNotificationRequests({ notifier, ports: { journal } }: NotificationMeans): NotificationRequests {
  return {
    test: async ({ channel }, asked) => {
      const running = notifier()
      if (!running) throw new AgentError('rejected', 'no channel is configured: add one under `notifications.channels`')
      return running.test(channel, asked)
    },
    log: (page) => readPage(journal.records(deliveryKind).newest, deliveryKind.keyOf, page),
  }
}

/** The notifier of today, whether or not one runs. */
export interface NotifierDoor {
  open(notifier: Notifier): Disposable
  readonly current: Notifier | undefined
}

export function createNotifierDoor(): NotifierDoor {
  let current: Notifier | undefined
  return {
    open: (notifier) => {
      current = notifier
      return {
        [Symbol.dispose]: () => {
          if (current === notifier) current = undefined
        },
      }
    },
    get current() {
      return current
    },
  }
}
