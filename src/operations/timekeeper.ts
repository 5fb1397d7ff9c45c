import type { Journal } from '../core/journal.ts'

/** What to do about a clock that is not believed: one server alone that differs may be the one that is wrong. */
export const setClock =
  'Compare it with a clock that is right. Set the clock of this machine if it is off, and let a time server keep it (`timedatectl`)'

/** What decisions that wait for a time need to know of the clock. */
export interface Timekeeper {
  /** Why soaks, windows and the like are not to be judged by the clock now, as a sentence; undefined where they are. */
  whyUntrusted(): string | undefined
  /** Why the clock is wrong for certain. */
  whyWrong(): string | undefined
  /** Which servers tell another time than this machine and the most, as a sentence; undefined where none does. */
  whyDiffering(): string | undefined
  /** Since when it is trusted again, in ms since the epoch; undefined where it was never wrong since the start. */
  trustedSince(): number | undefined
  /**
   * When each of these releases was first seen, in ms since the epoch. Nothing is written down while the clock is not
   * trusted, and then nothing has soaked; what was written down by a clock that was wrong is put right.
   */
  firstSeen(journal: Journal, available: readonly string[], now: Date): ReadonlyMap<string, number>
}

/** A clock that is believed whatever it says: of a command that looks once, and writes nothing down. */
export const believedClock: Timekeeper = {
  whyUntrusted: () => undefined,
  whyWrong: () => undefined,
  whyDiffering: () => undefined,
  trustedSince: () => undefined,
  firstSeen: (journal, available, now) => journal.firstSeen(available, now.getTime()),
}
