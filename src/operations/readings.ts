import type { Journal } from '../core/journal.ts'
import {
  hourOf,
  mostOfHour,
  readingHourKind,
  type ReadingSample,
  readingsKept,
  type UpsReadingsAnswer,
  withSamples,
} from '../core/power/readings.ts'
import type { PowerState } from '../core/power/state.ts'
import type { RunningAgent } from './running-agent.ts'

/** Between two samples of a UPS whose state stays as it is, and between two savings of them, in ms. */
const sampledEvery = 60_000
const savedEvery = 10 * 60_000
/** How long the input voltage counts, which is read now and then; in ms. */
const voltsKept = 10 * 60_000

/** The input voltage as it was read last, in V, and how long ago that was. */
export interface InputVoltage {
  readonly volts: number
  readonly msAgo: number
}

export interface ReadingsOptions {
  readonly agent: { readonly guard: Pick<RunningAgent['guard'], 'power' | 'onChange'> }
  readonly ports: { readonly journal: Pick<Journal, 'records'> }
  readonly now: () => Date
}

/**
 * Keeps what UPSes have told for a day, a sample a minute and one at each change of the state, for people to look at. They
 * wait in memory and are saved every ten minutes, with the next thing that is written.
 */
export function createReadings({ agent, ports, now }: ReadingsOptions) {
  const records = ports.journal.records(readingHourKind)
  const waiting = new Map<string, ReadingSample[]>()
  const last = new Map<string, { readonly at: number; readonly mode: PowerState['mode'] }>()
  const voltages = new Map<string, { readonly volts: number; readonly at: number }>()
  let savedAt = now().getTime()

  function voltageOf(label: string): InputVoltage | undefined {
    const known = voltages.get(label)
    if (known === undefined) return undefined
    // A clock may have been set back.
    const msAgo = Math.abs(now().getTime() - known.at)
    return msAgo <= voltsKept ? { volts: known.volts, msAgo } : undefined
  }

  function sample(): void {
    const at = now()
    for (const [label, state] of agent.guard.power.upses) {
      if (!('reading' in state) || state.reading === undefined) continue
      const { inputVolts } = state.reading
      const before = last.get(label)
      // What was read on mains says nothing of a power cut, nor the other way round.
      if (before && before.mode !== state.mode) voltages.delete(label)
      if (inputVolts !== undefined) voltages.set(label, { volts: inputVolts, at: at.getTime() })
      if (before?.mode === state.mode && Math.abs(at.getTime() - before.at) < sampledEvery) continue
      last.set(label, { at: at.getTime(), mode: state.mode })
      const all = waiting.get(label) ?? []
      waiting.set(label, [...all, sampleOf(state, at, voltageOf(label)?.volts)].slice(-mostOfHour))
    }
    if (Math.abs(at.getTime() - savedAt) >= savedEvery) save(at)
  }

  function save(at: Date): void {
    savedAt = at.getTime()
    for (const [ups, samples] of waiting) {
      for (const hour of new Set(samples.map((one) => hourOf(one.at)))) {
        const before = records.get(readingHourKind.keyOf({ ups, hour, samples: [] })) ?? { ups, hour, samples: [] }
        records.save(withSamples(before, samples), 'later')
      }
    }
    waiting.clear()
  }

  agent.guard.onChange(sample)

  return {
    voltageOf,
    /** Those of each UPS within the last day, oldest first. */
    read: (): readonly UpsReadingsAnswer[] => {
      const since = now().getTime() - readingsKept
      const kept = records.newest(readingHourKind.retention.most).toReversed()
      return [...agent.guard.power.upses.keys()].map((label) => ({
        label,
        samples: [...kept.flatMap(({ ups, samples }) => (ups === label ? samples : [])), ...(waiting.get(label) ?? [])]
          .filter(({ at }) => Date.parse(at) >= since)
          .toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at)),
      }))
    },
  }
}

function sampleOf(state: PowerState, at: Date, volts: number | undefined): ReadingSample {
  const { charge, runtime, load } = ('reading' in state ? state.reading : undefined) ?? {}
  return {
    at: at.toISOString(),
    ...(charge === undefined ? {} : { chargePercent: charge }),
    ...(runtime === undefined ? {} : { runtimeMs: runtime }),
    ...(load === undefined ? {} : { loadPercent: load }),
    ...(volts === undefined || state.mode !== 'on-mains' ? {} : { inputVolts: volts }),
    ...(state.mode === 'on-battery' || state.mode === 'critical' ? { onBattery: true as const } : {}),
  }
}
