import type { Delivery, DeliveryState } from '../core/notify/delivery.ts'
import type { TestAnswer } from '../core/notify/test-answer.ts'
import { describeDuration } from '../core/duration.ts'
import { describeMoment } from '../core/time.ts'
import { green, red, yellow } from './colours.ts'
import { table } from './table.ts'

/** How each channel took a test message. */
export function renderTests(tests: readonly TestAnswer[]): string {
  return table(
    ['CHANNEL', 'SENT', 'TOOK', ''],
    tests.map(({ channel, sent, detail, tookMs }) => [
      channel,
      sent ? green('yes') : red('no'),
      describeDuration(tookMs),
      detail,
    ]),
  )
}

const states: Readonly<Record<DeliveryState, () => string>> = {
  sent: () => green('sent'),
  waiting: () => yellow('waiting'),
  refused: () => red('refused'),
  expired: () => red('too old'),
  superseded: () => 'left out',
}

/** Messages with what became of them, and why. */
export function renderDeliveries(deliveries: readonly Delivery[], zone: string): string {
  if (deliveries.length === 0) return 'no messages yet'
  return table(
    ['QUEUED', 'CHANNEL', 'STATE', 'TRIES', { title: 'MESSAGE', flows: true }],
    deliveries.map(({ queuedAt, channel, state, attempts, message, why }) => [
      describeMoment(queuedAt, zone),
      channel,
      states[state](),
      String(attempts),
      why === undefined ? message.title : `${message.title} (${why})`,
    ]),
  )
}
