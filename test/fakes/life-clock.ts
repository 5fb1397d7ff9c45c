import { createClock, type WatchedClock } from '../../src/operations/clock.ts'
import type { Alerts } from '../../src/core/alert.ts'
import { clockMargin } from '../../src/core/clock.ts'
import type { Journal } from '../../src/core/journal.ts'
import type { Random } from '../core/random.ts'

const hour = 3_600_000
const begin = Date.parse('2026-11-26T12:00:00Z')
const release = Date.parse('2026-11-01T00:00:00Z')

/** What the clock of a board without one of its own says at first, in ms: a distant year. */
const behind = Date.parse('1976-11-26T12:00:00Z') - begin

/** The time as it really is, second by second, and the clock of the agent's machine, which may be off. */
export class LifeClock {
  /** In s. */
  second = 0
  /** By how much the clock is ahead of the true time, in ms. */
  off = 0
  /** In seconds of the life: since when it is off by so much. */
  setAt = -Infinity
  private keeper: WatchedClock | undefined

  get truth(): number {
    return begin + this.second * 1_000
  }

  readonly now = (): Date => new Date(this.truth + this.off)

  get isWrong(): boolean {
    return Math.abs(this.off) > clockMargin
  }

  set(off: number): void {
    if (off !== this.off) this.setAt = this.second
    this.off = off
  }

  startBehind(): void {
    this.set(behind)
  }

  /** Somebody sets it by hours, or a time server corrects it. */
  jump(random: Random): void {
    this.set(this.off !== 0 && random.chance(0.6) ? 0 : (random.chance(0.5) ? 1 : -1) * (1 + random.below(30)) * hour)
  }

  /** What a new agent makes of it. */
  watch(journal: Journal, alerts: Alerts): WatchedClock {
    const newest = Date.parse(journal.entries(1)[0]?.at ?? '')
    const floors = [
      { what: 'this release of Caretaker', at: release },
      ...(Number.isFinite(newest) ? [{ what: 'the newest entry of the journal', at: newest }] : []),
    ]
    this.keeper = createClock({ journal, alerts, now: this.now, monotonic: () => this.second * 1_000, floors })
    this.keeper.look()
    return this.keeper
  }

  /** The daemon's own look. Answers whether what waits for a time should look again. */
  look(): boolean {
    return this.keeper!.look()
  }

  /** A server tells the time. */
  hear(): void {
    this.keeper!.hear('the Image Factory', this.truth)
  }
}
