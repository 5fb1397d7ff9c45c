import type { OutgoingButton, OutgoingMessage } from '../../../src/services/notifications/channel.ts'

/** A message about a UPS on battery, with what a case says of it. */
export function messageWith(what: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id: 'm-1',
    thread: 'outage-2026-11-26T02-00-00Z',
    kind: 'alert',
    severity: 'critical',
    topic: 'power.battery',
    subject: 'rack',
    at: '2026-11-26T02:00:00.000Z',
    title: 'home: the UPS rack is on battery',
    text: 'w-1 and w-2 are shut down at 02:05.',
    homelab: 'home',
    buttons: [],
    ...what,
  }
}

export function buttonWith(what: Partial<OutgoingButton> = {}): OutgoingButton {
  return { label: 'Cancel shutdown', token: 'cancel.Zm9vYmFy-_', ...what }
}
