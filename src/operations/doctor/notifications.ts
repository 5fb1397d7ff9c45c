import { about, failed, type Finding, ok, skipped, warning } from '../../core/doctor/check.ts'
import { describeDuration } from '../../core/duration.ts'
import { messageOf } from '../../core/errors.ts'
import { type Delivery, deliveryKind } from '../../core/notify/delivery.ts'
import type { Look, Means } from './look.ts'

/** So many messages are looked through for the last one of a channel. */
const looksThrough = 200

/** Whether people are told: each channel's secrets, its server, and what its last message came to. */
export function channelLooks({ context: { ports, now } }: Means): readonly Look[] {
  const { doctor, journal } = ports
  if (!doctor) return []
  if (doctor.channels.length === 0)
    return [
      {
        id: 'channel.none',
        subject: 'notifications',
        look: async () => [
          about(
            'channel.none',
            'notifications',
            warning(
              'no channel is configured: nobody is told when something fails',
              'Add one under notifications.channels',
            ),
          ),
        ],
      },
    ]
  const deliveries = journal.records(deliveryKind).newest(looksThrough)
  return doctor.channels.map(({ name, reach }): Look => {
    const id = `channel.reach:${name}`
    return {
      id,
      subject: name,
      within: 15_000,
      look: async (signal) => {
        const reached = await reach(signal).then(
          (server) => ok(`reaches ${server}`),
          (error: unknown) =>
            failed(
              `would tell nobody: ${messageOf(error)}`,
              `Correct notifications.channels.${name}; \`caretaker notify test ${name}\` sends a message`,
            ),
        )
        const found = [about(id, name, reached)]
        if (reached.verdict === 'failed') return found
        const last = deliveries.find(
          ({ channel, endedAt, state }) => channel === name && endedAt !== undefined && state !== 'superseded',
        )
        return [...found, about(`channel.sent:${name}`, name, judgeLast(last, name, now()))]
      },
    }
  })
}

/** Whether a token is good shows only when a message is sent. */
function judgeLast(last: Delivery | undefined, name: string, now: Date): Finding {
  const test = `Send one: \`caretaker notify test ${name}\`, or \`caretaker doctor --send\``
  if (!last) return skipped('nothing was sent by it yet', test)
  const ago = describeDuration(now.getTime() - Date.parse(last.endedAt!))
  if (last.state === 'sent') return ok(`sent its last message ${ago} ago`)
  return warning(`its last message, ${ago} ago, did not arrive: ${last.why ?? last.state}`, test)
}
