import type { RecordKind } from '../records.ts'
import { listOf, number, object, optional, text, time, yes } from '../shape.ts'

/** What a UPS told at one moment. Anything but the time may be missing. */
export interface ReadingSample {
  /** ISO 8601. */
  readonly at: string
  readonly chargePercent?: number
  readonly runtimeMs?: number
  readonly loadPercent?: number
  /** `input.voltage`, in V. */
  readonly inputVolts?: number
  readonly onBattery?: true
}

/** The samples of one UPS within one hour. */
export interface ReadingHour {
  readonly ups: string
  /** ISO 8601: when the hour began. */
  readonly hour: string
  /** Oldest first. */
  readonly samples: readonly ReadingSample[]
}

/** What a UPS has told in the last day, oldest first. */
export interface UpsReadingsAnswer {
  readonly label: string
  readonly samples: readonly ReadingSample[]
}

/** How far back readings are kept, in ms. */
export const readingsKept = 24 * 3_600_000

/** A day and the hour that has begun, of up to ten UPSes: for people to look at, and for no decision. */
export const readingHourKind: RecordKind<ReadingHour> = {
  name: 'ups-readings',
  parse: object<ReadingHour>({
    ups: text,
    hour: time,
    samples: listOf(
      object<ReadingSample>({
        at: time,
        chargePercent: optional(number),
        runtimeMs: optional(number),
        loadPercent: optional(number),
        inputVolts: optional(number),
        onBattery: optional(yes),
      }),
    ),
  }),
  keyOf: ({ ups, hour }) => `${hour} ${ups}`,
  isOpen: () => false,
  retention: { most: 260, age: readingsKept + 3_600_000, isExpendable: true },
}

/** A UPS that flaps tells something else each second; the newest count. */
export const mostOfHour = 600

/** The hour with samples added to it; those of other hours are left out. */
export function withSamples(before: ReadingHour, added: readonly ReadingSample[]): ReadingHour {
  const own = added.filter(({ at }) => hourOf(at) === before.hour)
  return { ...before, samples: [...before.samples, ...own].slice(-mostOfHour) }
}

/** ISO 8601: when the hour of this moment began. */
export function hourOf(at: string): string {
  return `${new Date(at).toISOString().slice(0, 13)}:00:00.000Z`
}
