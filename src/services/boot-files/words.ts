import type { AbortReason, RefusalReason, TransferEvent } from '../../core/netboot/boot-event.ts'

const aborts: Readonly<Record<AbortReason, string>> = {
  silent: 'the machine fell silent',
  'hung-up': 'the machine hung up',
  changed: 'the machine found the file larger than it had been told',
  unreadable: 'the file can not be read',
  slow: 'it made room for others',
  stopped: 'the server stopped',
}
const refusals: Readonly<Record<RefusalReason, string>> = {
  'not-found': 'there is no such file',
  forbidden: 'it is no plain file of the share',
  unreadable: 'the file can not be read',
  busy: 'too many transfers are under way',
  unsupported: 'only reading is served',
}

/** The event as a line of the log. */
export function describeEvent(event: TransferEvent): string {
  const { client, file } = event.transfer
  switch (event.type) {
    case 'boot.probed':
      return `${client} asked for the size of ${file}`
    case 'boot.started':
      return `${client} loads ${file}`
    case 'boot.progressed':
      return `${client} has ${event.arrived} bytes of ${file}`
    case 'boot.done':
      return `${client} has ${file}: ${event.bytes} bytes in ${(event.took / 1_000).toFixed(1)} s`
    case 'boot.aborted':
      return `${client} did not get ${file} whole: ${aborts[event.reason]}${event.text === '' ? '' : ` (${event.text})`}`
    case 'boot.refused':
      return `${client} did not get ${file}: ${refusals[event.reason]}`
    default:
      return event satisfies never
  }
}
