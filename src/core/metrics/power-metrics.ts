import type { UpsAnswer } from '../power/answers.ts'
import type { Outage } from '../power/outage.ts'
import type { Facts } from '../known-facts.ts'
import { createSamples, gauge, ratioOf, type Sample, type Samples, secondsOf, timestampOf } from './metric.ts'

const ups = 'label of a UPS'
const modes = ['on-mains', 'on-battery', 'critical', 'forced', 'latched', 'unknown'] as const
/** What NUT's documentation lists for ups.status (docs/new-drivers.txt, "Status data"); drivers may add words of theirs. */
const flags = 'OL OB LB HB RB CHRG DISCHRG BYPASS CAL OFF OVER TRIM BOOST FSD ALARM ECO TEST'.split(' ')
const stages = ['shedding', 'draining', 'stopping', 'stopped', 'waking'] as const
const machineStates = [
  'up',
  'drained',
  'shutdown-sent',
  'unreached',
  'off',
  'abandoned',
  'wake-sent',
  'back',
] as const satisfies readonly Outage['nodes'][string]['state'][]

/** UPSes as they were read last, and outages. */
export const powerMetrics = {
  caretaker_ups_state: gauge('The state of a UPS: 1 for one of these', { ups, state: modes.join(', ') }),
  caretaker_ups_state_since_timestamp_seconds: gauge('Since when a UPS has been in its state', { ups }),
  caretaker_ups_status: gauge('Whether a word is in ups.status of a UPS', { ups, flag: flags.join(', ') }),
  caretaker_ups_battery_charge_ratio: gauge('Charge of the battery, of 1', { ups }),
  caretaker_ups_battery_runtime_seconds: gauge('What is left of the battery, as the UPS reports it', { ups }),
  caretaker_ups_load_ratio: gauge('Load of the UPS, of 1', { ups }),
  caretaker_ups_input_voltage_volts: gauge(
    'Voltage at the input of a UPS, which is read now and then; absent where that was not in the last 10 minutes',
    { ups },
  ),
  caretaker_ups_input_voltage_read_timestamp_seconds: gauge('When the voltage at the input of a UPS was read', { ups }),
  caretaker_ups_last_heard_timestamp_seconds: gauge('When a UPS was read last', { ups }),
  caretaker_ups_login_refused: gauge('Whether upsd refuses our login', { ups }),
  caretaker_shutdown_requested: gauge('Whether a person has requested the shutdown of everything', {}),
  caretaker_shutdown_needed_seconds: gauge('How long a shutdown that starts now takes at most', {}),
  caretaker_shutdown_battery_seconds: gauge(
    'What the batteries have left for a shutdown; absent where it is not known',
    {},
  ),
  caretaker_outage_stage: gauge('The stage of the outage: 1 for one of these, or for none', {
    stage: stages.join(', '),
  }),
  caretaker_outage_start_timestamp_seconds: gauge('When the newest outage began', {}),
  caretaker_outage_end_timestamp_seconds: gauge('When the newest outage was over; absent while it is not', {}),
  caretaker_outage_machines: gauge('Machines of the outage that is under way', { state: machineStates.join(', ') }),
} as const

export function readPower({ now, power, shutdown, outage }: Facts): readonly Sample[] {
  const samples = createSamples(powerMetrics)
  for (const one of power.upses) readUps(samples, one, now)
  samples.add('caretaker_shutdown_requested', {}, power.shutdownRequestedAt !== undefined)
  samples.add('caretaker_shutdown_needed_seconds', {}, secondsOf(shutdown?.needsMs))
  samples.add('caretaker_shutdown_battery_seconds', {}, secondsOf(shutdown?.leftMs ?? undefined))
  const open = outage?.stage === 'over' ? undefined : outage
  samples.oneOf('caretaker_outage_stage', {}, { stage: stages }, open?.stage)
  samples.add('caretaker_outage_start_timestamp_seconds', {}, timestampOf(outage?.startedAt))
  samples.add('caretaker_outage_end_timestamp_seconds', {}, timestampOf(outage?.endedAt))
  const machines = Object.values(open?.nodes ?? {})
  for (const state of machineStates)
    samples.add('caretaker_outage_machines', { state }, machines.filter((one) => one.state === state).length)
  return samples.all
}

function readUps(samples: Samples<typeof powerMetrics>, ups: UpsAnswer, now: Date): void {
  const { label, state, loginRefused, inputVolts, inputVoltsMsAgo } = ups
  const labels = { ups: label }
  if (inputVoltsMsAgo !== undefined) {
    samples.add('caretaker_ups_input_voltage_volts', labels, inputVolts)
    const readAt = (now.getTime() - inputVoltsMsAgo) / 1_000
    samples.add('caretaker_ups_input_voltage_read_timestamp_seconds', labels, readAt)
  }
  samples.oneOf('caretaker_ups_state', labels, { state: modes }, state.mode)
  samples.add('caretaker_ups_state_since_timestamp_seconds', labels, timestampOf(state.since))
  samples.add('caretaker_ups_last_heard_timestamp_seconds', labels, timestampOf(state.lastHeardAt))
  samples.add('caretaker_ups_login_refused', labels, loginRefused !== undefined)
  const { reading } = state
  if (!reading) return
  for (const flag of flags) samples.add('caretaker_ups_status', { ups: label, flag }, reading.status.includes(flag))
  samples.add('caretaker_ups_battery_charge_ratio', labels, ratioOf(reading.chargePercent))
  samples.add('caretaker_ups_battery_runtime_seconds', labels, secondsOf(reading.runtimeMs))
  samples.add('caretaker_ups_load_ratio', labels, ratioOf(reading.loadPercent))
}
