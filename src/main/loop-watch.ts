import type { Alerts } from '../core/alert.ts'
import { listed } from '../core/count.ts'
import { describeDuration } from '../core/duration.ts'
import type { Logger } from '../core/log.ts'
import type { Meter } from '../core/metrics/meter.ts'

/** A standstill of this length is worth knowing, in ms: on battery a reading is due more often. */
const usualLimit = 1_000
/**
 * From this length on people are warned, in ms. A battery that is low has to last for three seconds (`lowBatteryAfter`), and
 * a shutdown for minutes: what is shorter delays it by no more than the readings that it waits for anyway.
 */
const usualWarnFrom = 5_000
/**
 * For so long after its start the daemon loads its code, reads its journal and looks at everything for the first time, in ms:
 * a second of that is expected, and only what people are warned of is an alert. The log and the metrics have the rest.
 */
const usualStartsFor = 30_000
/** Between two looks, in ms. */
const usualLookEvery = 1_000
/**
 * Once a second is enough: no look happens during a standstill, so one of `limit` keeps the loop busy for all of `limit`
 * between two looks, and makes the second late, but for one that begins in the first moments after a look. So late counts,
 * as a part of `limit`; a loop that is busy with many short pieces of work is not late. A process that was frozen was
 * not busy: only that it is late tells. Not by `monitorEventLoopDelay`: what it measures while it is read and reset is lost.
 */
const lateFrom = 0.1
/** After so many ms without another the alert settles. */
const usualCalmAfter = 10 * 60_000

export interface LoopWatchOptions {
  readonly alerts: Pick<Alerts, 'open' | 'settle'>
  readonly log: Pick<Logger, 'warn'>
  readonly meter?: Meter
  /** What runs now, in words: jobs and steps. */
  readonly running: () => readonly string[]
  readonly limit?: number
  readonly warnFrom?: number
  readonly startsFor?: number
  readonly lookEvery?: number
  readonly calmAfter?: number
}

/**
 * Measures how long this process stands still: while one piece of work keeps it busy, no UPS is read and nothing is shut
 * down. What stands still for too long is an alert that names what ran, until it has not happened again for a while; people are
 * warned of what could delay a shutdown.
 */
export function watchLoop(options: LoopWatchOptions): Disposable {
  const { alerts, log, meter, running, limit = usualLimit, warnFrom = usualWarnFrom } = options
  const { lookEvery = usualLookEvery, calmAfter = usualCalmAfter, startsFor = usualStartsFor } = options
  let before: readonly string[] = []
  const startedAt = performance.now()
  let lookedAt = startedAt
  let used = performance.eventLoopUtilization()
  let lastAt: number | undefined
  /** The longest of those that the open alert is about, in ms. */
  let worst = 0
  // Left open by a daemon before this one.
  alerts.settle('daemon.standstill')

  function look(): void {
    const now = performance.now()
    const late = now - lookedAt - lookEvery
    lookedAt = now
    meter?.observe('caretaker_event_loop_lag_seconds', {}, Math.max(0, late) / 1_000)
    const use = performance.eventLoopUtilization()
    const busy = performance.eventLoopUtilization(use, used).active
    used = use
    const longest = late >= lateFrom * limit ? Math.max(busy, late) : 0
    // What blocked may have ended by now.
    const ran = [...new Set([...before, ...running()])]
    before = running()
    if (longest >= limit) report(longest, ran)
    else if (lastAt !== undefined && now - lastAt >= calmAfter) {
      lastAt = undefined
      worst = 0
      alerts.settle('daemon.standstill')
    }
  }

  function report(longest: number, ran: readonly string[]): void {
    const during = ran.length > 0 ? `${listed(ran)} ran` : 'no job ran, so the machine may be overloaded, or was frozen'
    const text = `Caretaker stood still for ${describeDuration(longest)} and could not watch the power: ${during}`
    log.warn({ ms: Math.round(longest), ran }, 'the event loop stood still')
    const now = performance.now()
    // It began before now: what reaches into the time of the start is of the start.
    if (longest < warnFrom && now - longest - startedAt < startsFor) return
    lastAt = now
    // A shorter one changes nothing about a longer one, of which people were warned.
    if (longest < worst && worst >= warnFrom) return
    worst = longest
    alerts.open('daemon.standstill', {
      severity: longest >= warnFrom ? 'warning' : 'info',
      subject: 'caretaker',
      text,
    })
  }

  const timer = setInterval(look, lookEvery)
  timer.unref()
  return {
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
