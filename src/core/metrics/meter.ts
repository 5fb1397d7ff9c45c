import type { PhaseId } from '../phase-id.ts'
import { counter, gauge, histogram, type LabelsOf, type NameOf, type Sample } from './metric.ts'

/** What is counted and measured where it happens, because nothing tells it afterwards. */
export const meteredMetrics = {
  caretaker_job_runs_total: counter('Runs of jobs that have ended', {
    job: 'name of a job',
    outcome: 'done, stuck, later, failed, stopped',
  }),
  caretaker_job_last_success_timestamp_seconds: gauge('When a run last ended without a failure since the start', {
    job: 'name of a job',
  }),
  caretaker_job_duration_seconds: histogram(
    'How long runs of jobs took that have ended',
    { job: 'name of a job' },
    [0.1, 1, 10, 60, 300, 1_800, 7_200],
  ),
  caretaker_phase_duration_seconds: histogram(
    'How long phases took of rollouts, shutdowns and recoveries that were carried out to their end',
    { phase: 'id of a phase, such as drain or verify-boot' },
    [1, 5, 15, 60, 180, 600, 1_800],
  ),
  caretaker_upgrade_windows_missed_total: counter('Upgrade windows that closed with nodes left to upgrade', {}),
  caretaker_events_total: counter('Events, by what has happened', { event: 'type of an event, such as node.lost' }),
  caretaker_alerts_opened_total: counter('Alerts that were opened', { severity: 'critical, warning, info' }),
  caretaker_notifications_total: counter('Attempts to send a message, by what became of them', {
    channel: 'name of a channel',
    outcome: 'sent, failed (tried again), refused (given up)',
  }),
  caretaker_api_requests_total: counter('Requests to the port of the API', {
    method: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, other',
    code: 'status code of the answer',
  }),
  caretaker_factory_request_duration_seconds: histogram(
    'How long the Image Factory took to answer, downloads without their bodies',
    { request: 'versions, withdrawn, schematic, build, catalogue, image', outcome: 'ok, failed' },
    [0.1, 0.5, 1, 5, 30, 120, 600],
  ),
  caretaker_boot_requests_total: counter(
    'Requests of machines that look for a boot by DHCP, by what they were answered',
    {
      kind: 'pxe, http, ipxe',
      answer: 'offered, left-alone',
    },
  ),
  caretaker_boot_requests_dropped_total: counter('Requests of machines beyond the limits: a flood', {
    door: 'dhcp, tftp, http',
  }),
  caretaker_boot_refusals_total: counter('Requests for files that got none', {
    by: 'tftp, http',
    reason: 'not-found, forbidden, unreadable, busy, unsupported',
  }),
  caretaker_boot_transfers: gauge('Transfers of files to machines that are under way', {}),
  caretaker_boot_transfers_total: counter('Transfers of files to machines that have ended', {
    by: 'tftp, http',
    outcome: 'done, silent, hung-up, changed, unreadable, slow, stopped',
  }),
  caretaker_boot_transferred_bytes_total: counter('What machines have got of files, whole or not', {
    by: 'tftp, http',
  }),
  caretaker_boot_packets_resent_total: counter('Packets of TFTP that were sent again', {}),
  caretaker_boot_transfer_duration_seconds: histogram(
    'How long transfers took that came to their end',
    { by: 'tftp, http' },
    [1, 3, 10, 30, 100, 300, 1_000],
  ),
  caretaker_event_loop_lag_seconds: histogram(
    'By how much the timer that fires each second was late: no UPS is read meanwhile',
    {},
    [0.01, 0.05, 0.1, 0.5, 1, 5],
  ),
  caretaker_credentials_expiry_timestamp_seconds: gauge('When our own credentials expire', {
    credentials: 'talosconfig, kubeconfig, api (the certificate that the API serves)',
  }),
} as const

type Metered = typeof meteredMetrics
type Named<Type extends 'gauge' | 'counter' | 'histogram'> = NameOf<Metered, Type>

/** Where what happens is counted. Calls cost next to nothing, and never throw. */
export interface Meter {
  /** Adds `by`, 1 where nothing is said. */
  count<Name extends Named<'counter'>>(name: Name, labels: LabelsOf<Metered[Name]>, by?: number): void
  /** In the unit of its name. */
  observe<Name extends Named<'histogram'>>(name: Name, labels: LabelsOf<Metered[Name]>, value: number): void
  /** Undefined: it is not known, and not shown. */
  set<Name extends Named<'gauge'>>(name: Name, labels: LabelsOf<Metered[Name]>, value: number | undefined): void
  read(): readonly Sample[]
}

interface Series {
  readonly labels: Sample['labels']
  /** Of a gauge and a counter; of a histogram the sum of what was observed. */
  value: number
  /** Of a histogram: how many values each bucket has for itself, the last one those beyond all bounds. */
  readonly buckets: number[]
}

/** Whatever goes wrong with labels, memory is bounded. */
const mostSeries = 500

export function createMeter(): Meter {
  const families = new Map<string, Map<string, Series>>()
  const begin = (name: keyof Metered) => {
    const found = families.get(name) ?? new Map<string, Series>()
    families.set(name, found)
    return found
  }

  function seriesOf(name: keyof Metered, labels: Sample['labels']): Series | undefined {
    const family = begin(name)
    const key = Object.values(labels).join('\0')
    const found = family.get(key)
    if (found || family.size >= mostSeries) return found
    const series = { labels, value: 0, buckets: boundsOf(name).map(() => 0) }
    family.set(key, series)
    return series
  }

  // What there is one of shows from the start: who alerts on an increase must see the zero before it.
  for (const [name, { type, labels }] of Object.entries(meteredMetrics))
    if (type !== 'gauge' && Object.keys(labels).length === 0) seriesOf(name as keyof Metered, {})
  for (const severity of ['critical', 'warning', 'info']) seriesOf('caretaker_alerts_opened_total', { severity })

  return {
    count: (name, labels, by = 1) => {
      const series = seriesOf(name, labels)
      if (series && by >= 0) series.value += by
    },
    observe: (name, labels, value) => {
      const series = seriesOf(name, labels)
      if (!series || !Number.isFinite(value)) return
      series.value += value
      const index = boundsOf(name).findIndex((bound) => value <= bound)
      series.buckets[index]! += 1
    },
    set: (name, labels, value) => {
      const series = value === undefined ? undefined : seriesOf(name, labels)
      if (series) series.value = value!
      else if (value === undefined) families.get(name)?.delete(Object.values(labels).join('\0'))
    },
    read: () => [...families].flatMap(([name, family]) => [...family.values()].flatMap((one) => samplesOf(name, one))),
  }
}

/** The upper bounds of a histogram's buckets; none of anything else. */
function boundsOf(name: string): readonly number[] {
  const { buckets } = meteredMetrics[name as keyof Metered] as { readonly buckets?: readonly number[] }
  return buckets ? [...buckets, Infinity] : []
}

function samplesOf(family: string, { labels, value, buckets }: Series): readonly Sample[] {
  if (buckets.length === 0) return [{ family, labels, value }]
  let below = 0
  const counts = boundsOf(family).map((bound, index): Sample => {
    below += buckets[index]!
    const le = bound === Infinity ? '+Inf' : String(bound)
    return { family, series: '_bucket', labels: { ...labels, le }, value: below }
  })
  return [...counts, { family, series: '_sum', labels, value }, { family, series: '_count', labels, value: below }]
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A method as a label: anybody may send any word. */
export function methodLabel(method: string | undefined): string {
  return method !== undefined && methods.has(method) ? method : 'other'
}

/** How long a phase took that was carried out to its end, in ms. */
export function meterPhase(meter: Meter, phase: PhaseId, ms: number): void {
  meter.observe('caretaker_phase_duration_seconds', { phase }, ms / 1_000)
}
