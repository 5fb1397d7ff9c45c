import type { Delivery, DeliveryState } from '../core/notify/delivery.ts'
import type { TestAnswer } from '../core/operator.ts'
import { describeDuration } from '../core/duration.ts'
import { describeMoment } from '../core/time.ts'
import { green, plain, red, yellow } from './colours.ts'
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

const colours: Readonly<Record<DeliveryState, (text: string) => string>> = {
  sent: green,
  waiting: yellow,
  refused: red,
  expired: red,
  superseded: plain,
}

/** Messages with what became of them, and why. */
export function renderDeliveries(deliveries: readonly Delivery[], zone: string): string {
  if (deliveries.length === 0) return 'no messages yet'
  return table(
    ['QUEUED', 'CHANNEL', 'STATE', 'TRIES', 'MESSAGE'],
    deliveries.map(({ queuedAt, channel, state, attempts, message, why }) => [
      describeMoment(queuedAt, zone),
      channel,
      colours[state](state),
      String(attempts),
      why === undefined ? message.title : `${message.title} (${why})`,
    ]),
  )
}
