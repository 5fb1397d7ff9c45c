import type { Alerts } from '../core/alert.ts'
import { describeDuration } from '../core/duration.ts'
import type { Logger } from '../core/log.ts'

/** A standstill of this length matters to the power, in ms: on battery a reading is due more often. */
const usualLimit = 1_000
/**
 * Between two looks, in ms: how exactly a standstill is measured. Not by `monitorEventLoopDelay`: what it measures while
 * it is read and reset is lost.
 */
const usualLookEvery = 250
/** After so many ms without another the alert settles. */
const usualCalmAfter = 10 * 60_000

export interface LoopWatchOptions {
  readonly alerts: Pick<Alerts, 'open' | 'settle'>
  readonly log: Pick<Logger, 'warn'>
  /** What runs now, in words: jobs and steps. */
  readonly running: () => readonly string[]
  readonly limit?: number
  readonly lookEvery?: number
  readonly calmAfter?: number
}

/**
 * Measures how long this process stands still: while one piece of work keeps it busy, no UPS is read and nothing is shut
 * down. What stands still for too long is an alert that names what ran, until it has not happened again for a while.
 */
export function watchLoop(options: LoopWatchOptions): Disposable {
  const { alerts, log, running, limit = usualLimit, lookEvery = usualLookEvery, calmAfter = usualCalmAfter } = options
  let before: readonly string[] = []
  let lookedAt = performance.now()
  let lastAt: number | undefined
  // Left open by a daemon before this one.
  alerts.settle('daemon.standstill')

  function look(): void {
    const now = performance.now()
    const longest = now - lookedAt
    lookedAt = now
    // What blocked may have ended by now.
    const ran = [...new Set([...before, ...running()])]
    before = running()
    if (longest >= limit) report(longest, ran)
    else if (lastAt !== undefined && now - lastAt >= calmAfter) {
      lastAt = undefined
      alerts.settle('daemon.standstill')
    }
  }

  function report(longest: number, ran: readonly string[]): void {
    lastAt = performance.now()
    const during =
      ran.length > 0
        ? `while this ran: ${ran.join(', ')}`
        : 'while no job ran: the machine may be overloaded, or was frozen'
    const text = `Caretaker stood still for ${describeDuration(longest)}, and could not watch the power, ${during}`
    log.warn({ ms: Math.round(longest), ran }, 'the event loop stood still')
    alerts.open('daemon.standstill', { severity: 'warning', subject: 'caretaker', text })
  }

  const timer = setInterval(look, lookEvery)
  timer.unref()
  return {
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
