import type { Meter } from '../../core/metrics/meter.ts'
import type { TransferEvent } from '../../core/netboot/boot-event.ts'
import type { Unserved } from './tally.ts'

/** Counts what became of a transfer. */
export function meterTransfer(meter: Meter, event: TransferEvent): void {
  if (event.type !== 'boot.done' && event.type !== 'boot.aborted') return
  const { by } = event.transfer
  const isDone = event.type === 'boot.done'
  meter.count('caretaker_boot_transfers_total', { by, outcome: isDone ? 'done' : event.reason })
  meter.count('caretaker_boot_transferred_bytes_total', { by }, isDone ? event.bytes : event.arrived)
  if (!isDone) return
  meter.count('caretaker_boot_packets_resent_total', {}, event.resent)
  meter.observe('caretaker_boot_transfer_duration_seconds', { by }, event.took / 1_000)
}

/** Counts requests that got no file. */
export function meterUnserved(meter: Meter, { by, reason, count }: Unserved): void {
  if (reason === 'limit') meter.count('caretaker_boot_requests_dropped_total', { door: by }, count)
  else meter.count('caretaker_boot_refusals_total', { by, reason }, count)
}
