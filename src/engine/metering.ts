import type { Alerts } from '../core/alert.ts'
import type { Event } from '../core/event.ts'
import type { Meter } from '../core/metrics/meter.ts'
import type { RunReport } from './runner.ts'

export interface MeteringOptions {
  readonly meter: Meter
  readonly alerts: Pick<Alerts, 'subscribe'>
  readonly onRun: (listener: (report: RunReport) => void) => unknown
  readonly onEvent: (listener: (event: Event) => void) => unknown
  readonly now: () => Date
  /** Monotonic clock, in ms. */
  readonly monotonic: () => number
}

/** Counts what the agent goes through, for as long as it lives. */
export function meterAgent({ meter, alerts, onRun, onEvent, now, monotonic }: MeteringOptions): void {
  onRun(({ job, outcome, startedAt }) => {
    meter.count('caretaker_job_runs_total', { job, outcome })
    if (outcome === 'done' || outcome === 'later')
      meter.set('caretaker_job_last_success_timestamp_seconds', { job }, now().getTime() / 1_000)
    meter.observe('caretaker_job_duration_seconds', { job }, (monotonic() - startedAt) / 1_000)
  })
  onEvent(({ type }) => {
    meter.count('caretaker_events_total', { event: type })
    if (type === 'window.missed') meter.count('caretaker_upgrade_windows_missed_total', {})
  })
  alerts.subscribe(({ severity }, change) => {
    if (change === 'opened') meter.count('caretaker_alerts_opened_total', { severity })
  })
}
