import { type JournalHandle, openJournal } from '../adapters/journal/journal.ts'
import { type Alerts, isOfKind } from '../core/alert.ts'
import type { Logger } from '../core/log.ts'
import { outageKind } from '../core/power/outage-kind.ts'
import { createAlerts } from '../operations/alerts.ts'

/**
 * Opens the journal in the state directory, and its alerts. A failure of the journal itself is an alert too, kept in
 * memory while the disk fails.
 *
 * @throws AgentError `misconfigured` when it can't be opened at all, or was written by a newer release
 */
export function openJournalAndAlerts(
  directory: string,
  log: Logger,
  now: () => Date = () => new Date(),
): { readonly journal: JournalHandle; readonly alerts: Alerts } {
  const journal = openJournal(directory, {
    now,
    onDegraded: (why) => {
      if (why === undefined) log.info({}, 'the journal is written to disk again')
      else log.error({ reason: why }, 'the journal is kept in memory: the disk does not accept it')
      // Not in the middle of a write.
      queueMicrotask(() => reportDegraded(alerts, why))
    },
    onSetAside: (kind, key, why) => {
      log.error({ kind, key, reason: why }, 'a record of the journal could not be read and was set aside')
      queueMicrotask(() => reportSetAside(alerts, { kind, key, why }))
    },
  })
  const alerts = createAlerts(journal, now)
  // Alerts from before the start are opened again if their cause persists.
  alerts.settleWhere(({ id }) => isOfKind(id, 'journal'))
  return { journal, alerts }
}

function reportDegraded(alerts: Alerts, why: string | undefined): void {
  alerts.report(
    'journal.degraded',
    why === undefined
      ? undefined
      : {
          severity: 'critical',
          subject: 'journal',
          text: `the journal is kept in memory, because the disk does not accept it: ${why}`,
          action: 'Free space on the disk of the state directory, or repair it, before this machine restarts',
        },
  )
}

function reportSetAside(
  alerts: Alerts,
  { kind, key, why }: { readonly kind: string; readonly key: string; readonly why: string },
): void {
  alerts.open(`journal.set-aside:${kind} ${key}`.trim(), {
    // Without the record of an outage the cluster is not woken.
    severity: kind === outageKind.name ? 'critical' : 'warning',
    subject: 'journal',
    text: `the record ${`${kind} ${key}`.trim()} can't be read and is set aside: ${why}`,
    action: 'Check `caretaker status` for anything left to do',
  })
}
