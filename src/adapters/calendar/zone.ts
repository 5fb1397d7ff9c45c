import ICAL from 'ical.js'
import { wallClock } from '../../core/time.ts'

type Time = InstanceType<typeof ICAL.Time>

const oneDay = 86_400_000
const zones = new Map<string, Zone>()

/** A time zone of the IANA database, for what a calendar writes without one: all-day events and floating times. */
export function zoneOf(timeZone: string): InstanceType<typeof ICAL.Timezone> {
  const known = zones.get(timeZone)
  if (known) return known
  const zone = new Zone(timeZone)
  zones.set(timeZone, zone)
  return zone
}

/** Undefined where it is not an IANA name: calendars may define their own. */
export function knownZoneOf(timeZone: string): InstanceType<typeof ICAL.Timezone> | undefined {
  try {
    return zoneOf(timeZone)
  } catch {
    return undefined
  }
}

class Zone extends ICAL.Timezone {
  readonly #timeZone: string

  /** @throws RangeError where there is no such zone */
  constructor(timeZone: string) {
    super({ tzid: timeZone })
    this.#timeZone = timeZone
    this.#offsetAt(0)
  }

  /**
   * Seconds east of UTC at a time of the wall clock. Of one that the clock shows twice the first is meant, and one that it
   * skips is told by the offset from before (RFC 5545 section 3.3.5).
   */
  override utcOffset({ year, month, day, hour, minute, second }: Time): number {
    const asIfUtc = Date.UTC(year, month - 1, day, hour, minute, second)
    const before = this.#offsetAt(asIfUtc - oneDay)
    const shown = [before, this.#offsetAt(asIfUtc + oneDay)].filter(
      (offset) => this.#offsetAt(asIfUtc - offset) === offset,
    )
    return (shown.length > 0 ? Math.max(...shown) : before) / 1_000
  }

  /** In ms. */
  #offsetAt(instant: number): number {
    const { year, month, day, hour, minute, second } = wallClock(instant, this.#timeZone)
    return Date.UTC(year, month, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000
  }
}
