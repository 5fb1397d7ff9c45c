import type { UpsReading } from '../../src/core/power/ups.ts'
import type { Random } from '../core/random.ts'

/** How a UPS misleads: each is what some real one does. */
export interface Quirks {
  readonly runtime: 'true' | 'zero' | 'all ones' | 'minutes' | 'none'
  readonly charge: 'true' | 'zero' | 'too much' | 'none'
  /** It reports OL DISCHRG when mains power has failed. */
  readonly deniesBattery: boolean
  /** It never reports LB. */
  readonly deniesLow: boolean
  /** It reports BYPASS CHRG, and no OL, for a while after mains power has come back. */
  readonly bypasses: boolean
  /** Its status has tokens that mean nothing for the power. */
  readonly chatters: boolean
  /** While it is OFF it reports nothing else. */
  readonly offAlone: boolean
}

export function randomQuirks(random: Random): Quirks {
  const charge = random.pick(['true', 'true', 'true', 'zero', 'too much', 'none'] as const)
  return {
    charge,
    runtime: random.pick(['true', 'true', 'zero', 'all ones', 'minutes', 'none'] as const),
    // Nobody could know of a UPS that shows it in no way at all.
    deniesBattery: charge === 'true' && random.chance(0.15),
    deniesLow: random.chance(0.2),
    bypasses: random.chance(0.15),
    chatters: random.chance(0.3),
    offAlone: random.chance(0.5),
  }
}

/** In s: for so long after mains power is back a UPS that bypasses says nothing of it. */
export const bypassesFor = 40

const noise = ['ALARM', 'RB', 'OVER', 'XYZ'] as const

/**
 * A UPS as it really is, second by second: mains power, and a battery that empties and charges; and what it says of that.
 */
export class UpsWorld {
  mains = true
  /** In %. */
  charge = 100
  /** upsd shows FSD until it is restarted. */
  forced = false
  isSilent = false
  /** It reports OFF: because its outlets are off, or for the moments of a self-test. */
  off: 'outlets' | 'self-test' | undefined
  /** Seconds since mains power failed, or came back. */
  lasts = 1_000
  /** Seconds since FSD and OFF were last shown, and since there was last an answer. */
  forcedAgo = Infinity
  offAgo = Infinity
  silentAgo = Infinity
  /** For so many seconds it has been OFF now. */
  offFor = 0

  readonly quirks: Quirks
  private readonly capacity: number
  private readonly charges: number
  private readonly random: Random

  /** @param battery how long a full one lasts, and how long an empty one charges, in s */
  constructor(quirks: Quirks, battery: { readonly lasts: number; readonly charges: number }, random: Random) {
    this.quirks = quirks
    this.capacity = battery.lasts
    this.charges = battery.charges
    this.random = random
  }

  tick(): void {
    this.lasts += 1
    this.charge = this.mains
      ? Math.min(100, this.charge + 100 / this.charges)
      : Math.max(0, this.charge - (this.off === 'outlets' ? 0 : 100 / this.capacity))
    this.forcedAgo = this.forced ? 0 : this.forcedAgo + 1
    this.offAgo = this.off ? 0 : this.offAgo + 1
    this.offFor = this.off ? this.offFor + 1 : 0
    this.silentAgo = this.answers ? this.silentAgo + 1 : 0
  }

  /** Whether upsd has something to say of it: a UPS without any power says nothing. */
  get answers(): boolean {
    return !this.isSilent && (this.mains || this.charge > 0)
  }

  /** Whether what is connected to it has power. */
  get feeds(): boolean {
    return this.off !== 'outlets' && (this.mains || this.charge > 0)
  }

  set(mains: boolean): void {
    if (this.mains !== mains) this.lasts = 0
    this.mains = mains
  }

  /** Whether the battery has so little left that a UPS reports LB. */
  get isLow(): boolean {
    return this.charge <= 20
  }

  reading(): UpsReading {
    return { status: this.status(), ...this.figures() }
  }

  private status(): string[] {
    const { quirks, mains, random } = this
    if (this.off && quirks.offAlone) return [...(this.forced ? ['FSD'] : []), 'OFF']
    const supply = mains
      ? quirks.bypasses && this.lasts < bypassesFor
        ? ['BYPASS', 'CHRG']
        : ['OL', ...(this.charge < 99 ? ['CHRG'] : [])]
      : quirks.deniesBattery
        ? ['OL', 'DISCHRG']
        : ['OB', 'DISCHRG']
    const low = this.isLow && !quirks.deniesLow ? ['LB'] : []
    const chatter = quirks.chatters && random.chance(0.2) ? [random.pick(noise)] : []
    return [...(this.forced ? ['FSD'] : []), ...supply, ...(this.off ? ['OFF'] : []), ...low, ...chatter]
  }

  private figures(): Partial<UpsReading> {
    const { quirks } = this
    const seconds = (this.charge / 100) * this.capacity
    const charge = { true: Math.round(this.charge), zero: 0, 'too much': 255, none: undefined }[quirks.charge]
    const runtime = {
      true: seconds * 1_000,
      zero: 0,
      'all ones': 65_535_000,
      minutes: (seconds / 60) * 1_000,
      none: undefined,
    }[quirks.runtime]
    return { ...(charge === undefined ? {} : { charge }), ...(runtime === undefined ? {} : { runtime }) }
  }
}
