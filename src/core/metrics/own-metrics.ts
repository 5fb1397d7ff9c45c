import type { Facts } from '../known-facts.ts'
import { createSamples, gauge, type Sample } from './metric.ts'

/** What Caretaker itself is at. */
export const ownMetrics = {
  caretaker_build_info: gauge('The release of Caretaker that runs: 1', { version: 'release of Caretaker' }),
  caretaker_service_running: gauge('Whether a service runs', { service: 'name of a service' }),
  caretaker_configuration_faulty: gauge('Whether the configuration file is not in use as it stands', {}),
  caretaker_journal_degraded: gauge('Whether the journal is kept in memory, because the disk fails', {}),
  caretaker_job_running: gauge('Jobs that run', { job: 'name of a job' }),
  caretaker_step_running: gauge('Steps that are carried out', { step: 'what a step does, such as drain' }),
  caretaker_queue_up: gauge('Whether the store of the queue answers', {}),
  caretaker_queue_jobs: gauge('Entries of the queue', { state: 'wait, active, delayed, failed' }),
  caretaker_alerts: gauge('Open alerts', { severity: 'critical, warning, info' }),
  caretaker_alert_kinds: gauge('Open alerts by their kind', {
    kind: 'id of an alert without a name, such as ups.silent',
    severity: 'critical, warning, info',
  }),
  caretaker_notifications_waiting: gauge('Messages that wait to be sent', { channel: 'name of a channel' }),
} as const

export function readOwn({ known, alerts, waiting, channels, isJournalDegraded }: Facts): readonly Sample[] {
  const samples = createSamples(ownMetrics)
  const { version, services, configuration, running, steps, queue } = known
  samples.add('caretaker_build_info', { version }, 1)
  for (const { name, state } of services)
    samples.add('caretaker_service_running', { service: name }, state === 'running')
  samples.add('caretaker_configuration_faulty', {}, configuration !== undefined)
  samples.add('caretaker_journal_degraded', {}, isJournalDegraded)
  for (const [job, count] of countsOf(running)) samples.add('caretaker_job_running', { job }, count)
  for (const [step, count] of countsOf(steps)) samples.add('caretaker_step_running', { step }, count)
  samples.add('caretaker_queue_up', {}, queue !== undefined)
  for (const [state, count] of Object.entries(queue ?? {})) samples.add('caretaker_queue_jobs', { state }, count)
  for (const severity of ['critical', 'warning', 'info'])
    samples.add('caretaker_alerts', { severity }, alerts.filter((alert) => alert.severity === severity).length)
  for (const [key, count] of countsOf(alerts.map(({ id, severity }) => `${id.split(':')[0]!} ${severity}`))) {
    const [kind = '', severity = ''] = key.split(' ')
    samples.add('caretaker_alert_kinds', { kind, severity }, count)
  }
  for (const channel of channels) {
    const count = waiting.filter((one) => one.channel === channel).length
    samples.add('caretaker_notifications_waiting', { channel }, count)
  }
  return samples.all
}

function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
