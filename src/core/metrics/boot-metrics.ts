import type { Facts } from '../known-facts.ts'
import { bootPhases } from '../netboot/boots.ts'
import { createSamples, gauge, type Sample, secondsOf, timestampOf } from './metric.ts'

const machine = 'name of a machine of the configuration'

/**
 * Machines that boot from the network. Those of the configuration have series of their own; strangers, whose addresses may
 * be made up, are only counted.
 */
export const bootMetrics = {
  caretaker_boot_info: gauge('How far the last try of a machine to boot from the network came: 1', {
    machine,
    phase: bootPhases.join(', '),
  }),
  caretaker_boot_start_timestamp_seconds: gauge('When the last try of a machine began', { machine }),
  caretaker_boot_last_heard_timestamp_seconds: gauge('When a machine was heard last in its last try', { machine }),
  caretaker_boot_image_bytes: gauge('Size of the image that a machine asked for', { machine }),
  caretaker_boot_arrived_bytes: gauge('What of it has arrived', { machine }),
  caretaker_boot_load_seconds: gauge('How long it took to load; absent until it is loaded', { machine }),
  caretaker_boot_wanted: gauge('Whether a machine is to boot from the network the next time that it asks', { machine }),
  caretaker_boot_machines: gauge('Machines that have asked for a boot, strangers too, by how far their last try came', {
    phase: bootPhases.join(', '),
  }),
} as const

export function readBoots({ boots }: Facts): readonly Sample[] {
  const samples = createSamples(bootMetrics)
  // Where none has asked nothing of the kind is used, and nothing is shown.
  if (boots.length === 0) return samples.all
  for (const { machine: name, isKnown, boots: isWanted, last } of boots) {
    if (!isKnown) continue
    const labels = { machine: name }
    samples.add('caretaker_boot_wanted', labels, isWanted)
    if (!last) continue
    samples.add('caretaker_boot_info', { ...labels, phase: last.phase }, 1)
    samples.add('caretaker_boot_start_timestamp_seconds', labels, timestampOf(last.startedAt))
    samples.add('caretaker_boot_last_heard_timestamp_seconds', labels, timestampOf(last.lastAt))
    samples.add('caretaker_boot_image_bytes', labels, last.bytes)
    samples.add('caretaker_boot_arrived_bytes', labels, last.arrived)
    samples.add('caretaker_boot_load_seconds', labels, secondsOf(last.took))
  }
  for (const phase of bootPhases)
    samples.add('caretaker_boot_machines', { phase }, boots.filter(({ last }) => last?.phase === phase).length)
  return samples.all
}
