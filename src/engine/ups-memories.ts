import type { RecordStore } from '../core/records.ts'
import { upsMemoryKind } from '../core/power/memory.ts'
import type { PowerState } from '../core/power/state.ts'
import { has } from '../core/power/ups.ts'

export interface UpsMemoriesOptions {
  readonly journal: Pick<RecordStore, 'records'>
  /** The wall clock. */
  readonly now: () => Date
  /** Monotonic clock, in ms: that of the states. */
  readonly monotonic: () => number
}

/** Changes within this are written once, in ms: a UPS that flaps must not wear out an SD card. */
const apart = 10_000

/** Keeps on the disk what has to be known of a UPS after a restart. */
export function createUpsMemories({ journal, now, monotonic }: UpsMemoriesOptions) {
  const records = journal.records(upsMemoryKind)
  const written = new Map<string, number>()

  function write(label: string, state: PowerState): void {
    if (state.mode === 'unknown' || state.reading === undefined) return
    const { reading, lastHeard, lastOnBattery } = state
    const wall = (at: number) => new Date(now().getTime() - (monotonic() - at)).toISOString()
    written.set(label, monotonic())
    records.save({
      ups: label,
      at: wall(lastHeard),
      status: reading.status,
      ...(lastOnBattery === undefined ? {} : { onBatteryAt: wall(lastOnBattery) }),
    })
  }

  return {
    recall: (label: string) => records.get(label),
    /** Takes note where the battery has come into use or no longer is, or FSD has come or gone. */
    notice: (label: string, before: PowerState, state: PowerState): void => {
      const changed = ['OB', 'FSD'].some((token) => shows(before, token) !== shows(state, token))
      if (!changed) return
      const isUrgent = shows(before, 'FSD') !== shows(state, 'FSD') || before.mode !== state.mode
      if (isUrgent || monotonic() - (written.get(label) ?? -Infinity) >= apart) write(label, state)
    },
    /** The last word before the agent ends. */
    write,
  }
}

function shows(state: PowerState, token: string): boolean {
  return 'reading' in state && state.reading !== undefined && has(state.reading, token)
}
