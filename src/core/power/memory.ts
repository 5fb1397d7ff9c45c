import type { RecordKind } from '../records.ts'
import { listOf, object, optional, text, time } from '../shape.ts'
import type { Recollection } from './state.ts'
import type { PowerPolicy } from './triggers.ts'
import { has } from './ups.ts'

/**
 * What the agent keeps of a UPS over its own restart: FSD that appears in that time is a request to shut down, and FSD that
 * was there before is not. Written when the battery comes into use and when it no longer is, when FSD comes and goes,
 * and at the end of the agent; never while nothing changes.
 */
export interface UpsMemory {
  readonly ups: string
  /** When this was read, ISO 8601. */
  readonly at: string
  readonly status: readonly string[]
  /** When the battery was last in use, ISO 8601. */
  readonly onBatteryAt?: string
}

export const upsMemoryKind: RecordKind<UpsMemory> = {
  name: 'ups',
  parse: object<UpsMemory>({ ups: text, at: time, status: listOf(text), onBatteryAt: optional(time) }),
  keyOf: ({ ups }) => ups,
  isOpen: () => true,
  retention: { most: 100 },
}

/** FSD within this of a moment on battery is a request to shut down: the primary has decided it then. In ms. */
export const forcedWithin = 5 * 60_000
/** The battery may have been in use for so long when the agent ended without a word, in ms. */
const atMost = 30 * 60_000

/** What a memory says at `now`: nothing where the clock has been set back since. */
export function recollect(
  memory: UpsMemory | undefined,
  now: Date,
  { deadTime }: Pick<PowerPolicy, 'deadTime'>,
): Pick<Recollection, 'wasOnBattery' | 'wasOnMains' | 'wasForced'> {
  if (!memory) return {}
  const passed = (at: string) => now.getTime() - Date.parse(at)
  const isWithin = (at: string | undefined, ms: number) => at !== undefined && passed(at) >= 0 && passed(at) <= ms
  if (has(memory, 'FSD')) return { wasForced: isWithin(memory.at, forcedWithin) }
  const isUsed = has(memory, 'OB')
  return {
    wasOnBattery: isWithin(memory.onBatteryAt, forcedWithin) || (isUsed && isWithin(memory.at, atMost)),
    wasOnMains: !isUsed && isWithin(memory.at, deadTime),
  }
}
