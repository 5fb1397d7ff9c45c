import {
  type Alert,
  type AlertChange,
  type AlertContent,
  alertKind,
  type AlertListener,
  type Alerts,
  compareAlerts,
  describeAlert,
  headOf,
  isOfKind,
  settleGone,
} from '../core/alert.ts'
import type { JobSpec } from '../core/job.ts'
import type { Journal } from '../core/journal.ts'

/**
 * The alerts of this agent. Open alerts are in the journal, so that an agent that restarts does not open them again
 * and settles what is over. Where an alert opens, says something else or is settled the journal gets one sentence.
 */
export function createAlerts(journal: Journal, now: () => Date): Alerts {
  const records = journal.records(alertKind)
  const open = new Map(records.open().map((alert) => [alert.id, alert]))
  const listeners = new Set<AlertListener>()

  function keep(alert: Alert, change: AlertChange): void {
    if (change === 'settled') open.delete(alert.id)
    else open.set(alert.id, alert)
    records.save(alert)
    for (const listener of listeners) {
      try {
        listener(alert, change)
      } catch {
        // Listeners are separate from the alert.
      }
    }
  }

  const write = ({ subject }: Alert, text: string) => journal.write({ kind: 'alert', subject, text })

  function end(before: Alert, ending?: string): void {
    keep({ ...before, settledAt: now().toISOString(), ...(ending === undefined ? {} : { ending }) }, 'settled')
    write(before, `settled: ${ending === undefined ? before.text : `${headOf(before)}; ${ending}`}`)
  }

  const alerts: Alerts = {
    open: (id, content) => {
      const before = open.get(id)
      if (before && isSame(before, content)) return false
      const alert: Alert = { ...content, id, since: before?.since ?? now().toISOString() }
      keep(alert, before ? 'changed' : 'opened')
      if (before?.text === content.text) return false
      write(alert, describeAlert(content))
      return true
    },
    refresh: (id, content) => {
      const before = open.get(id)
      if (before?.severity !== content.severity) alerts.open(id, content)
      else open.set(id, { ...content, id, since: before.since })
    },
    settle: (id, ending) => {
      const before = open.get(id)
      if (before) end(before, ending)
      return before !== undefined
    },
    report: (id, content, ending) => {
      if (content) return alerts.open(id, content)
      alerts.settle(id, ending)
      return false
    },
    reportEach: (kind, contents) => {
      const ids = new Set<string>([...contents.keys()].map((name) => `${kind}:${name}`))
      alerts.settleWhere(({ id }) => isOfKind(id, kind) && !ids.has(id))
      for (const [name, content] of contents) alerts.open(`${kind}:${name}`, content)
    },
    settleWhere: (test, ending) => {
      for (const alert of open.values()) if (test(alert)) end(alert, ending)
    },
    find: (id) => open.get(id),
    get all() {
      return [...open.values()].toSorted(compareAlerts)
    },
    settled: (limit, before) =>
      records
        .newest(limit + open.size, before)
        .filter(({ settledAt }) => settledAt !== undefined)
        .slice(0, limit),
    subscribe: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  return alerts
}

function isSame(a: AlertContent, b: AlertContent): boolean {
  return a.severity === b.severity && a.subject === b.subject && a.text === b.text && a.action === b.action
}

/** What an alert may be about: what is configured, and what is under way. */
export interface Known extends Readonly<Record<'job' | 'node', Iterable<string>>> {
  readonly hasOutage: boolean
}

/** Settles alerts about what was taken out of the configuration, and about an outage that ended while the agent was down. */
export function settleStale(alerts: Alerts, { hasOutage, ...existing }: Known): void {
  settleGone(alerts, existing)
  if (!hasOutage) alerts.settleWhere(({ id }) => isOfKind(id, 'outage'), 'the power cut is over')
}

/**
 * The jobs in process that had failed when the agent ended. What woke them may not come again, and no queue brings them back:
 * they are to be started, and decide by what they see.
 */
export function failedBefore<Job extends JobSpec>(jobs: readonly Job[], alerts: Pick<Alerts, 'find'>): readonly Job[] {
  return jobs.filter(({ name, runs }) => runs === 'in-process' && alerts.find(`job.failed:${name}`) !== undefined)
}
