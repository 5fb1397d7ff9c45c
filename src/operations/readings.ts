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
  const volts = new Map<string, number>()
  let savedAt = now().getTime()

  function sample(): void {
    const at = now()
    for (const [label, state] of agent.guard.power.upses) {
      if (!('reading' in state) || state.reading === undefined) continue
      // It is read now and then.
      const { inputVolts } = state.reading
      if (inputVolts !== undefined) volts.set(label, inputVolts)
      const before = last.get(label)
      if (before?.mode === state.mode && Math.abs(at.getTime() - before.at) < sampledEvery) continue
      last.set(label, { at: at.getTime(), mode: state.mode })
      const all = waiting.get(label) ?? []
      waiting.set(label, [...all, sampleOf(state, at, volts.get(label))].slice(-mostOfHour))
      volts.delete(label)
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
