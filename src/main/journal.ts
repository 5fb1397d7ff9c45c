import { type JournalHandle, openJournal } from '../adapters/journal/journal.ts'
import { type Alerts, isOfKind } from '../core/alert.ts'
import { counted } from '../core/count.ts'
import type { Logger } from '../core/log.ts'
import { outageKind } from '../core/power/outage-kind.ts'
import { createAlerts } from '../operations/alerts.ts'
import { remembered } from '../operations/facts.ts'
import { reportDamage, settleDamage } from './journal-damage.ts'

/** Of these a person may have thought better while nobody could read them. */
const orders = ['fact.power.ordered', 'fact.power.wakeNow', 'fact.power.drillRequest', 'fact.rollout.rollbacks']

/**
 * Opens the journal in the state directory, and its alerts, whatever is wrong with the file: the power is to be guarded.
 * A failure of the journal itself is an alert too, kept in memory while the disk fails. `isExpected`: there was one, so
 * one that is gone is damage.
 */
export function openJournalAndAlerts(
  directory: string,
  log: Logger,
  now: () => Date = () => new Date(),
  isExpected = false,
): { readonly journal: JournalHandle; readonly alerts: Alerts } {
  const journal = openJournal(directory, {
    now,
    isExpected,
    isOrder: (kind) => orders.includes(kind),
    onDegraded: (why) => {
      if (why === undefined) log.info({}, 'the journal is written to disk again')
      else log.error({ reason: why }, 'the journal is kept in memory: the disk does not accept it')
      // Not in the middle of a write.
      queueMicrotask(() => reportDegraded(alerts, why))
    },
    onGivenUp: (count) => {
      const text = `while the disk did not accept the journal, ${counted(count, 'older record')} did not fit into memory`
      log.warn({ count }, text)
      queueMicrotask(() =>
        journal.write({ kind: 'event', subject: 'journal', text: `${text}: nothing depends on them` }),
      )
    },
    onSetAside: (kind, key, why) => {
      log.error({ kind, key, reason: why }, 'a record of the journal could not be read and was set aside')
      queueMicrotask(() => {
        reportSetAside(alerts, { kind, key, why })
        if (kind === 'fact.power.ordered') keepOrder(journal)
        if (kind === outageKind.name) noteLoss(journal, now(), why)
        // That a journal was lost before is what can't be read now, and an outage that is open may have begun after that.
        if (kind === 'fact.journal.lost') remembered.lost.remember(journal, { at: now().toISOString(), why })
      })
    },
    onDamaged: (damage) => {
      const { why, keptAs, recovered, isWhole } = damage
      log.error({ reason: why, keptAs, recovered: recovered.length, isWhole }, 'the journal is damaged')
      queueMicrotask(() => {
        reportDamage({ alerts, journal, directory, now: now() }, damage)
        if (!isWhole) noteLoss(journal, now(), why)
      })
    },
  })
  const alerts = createAlerts(journal, now)
  // What it is about is the file as it was read then: the start has read it anew.
  for (const kind of ['journal.degraded', 'journal.set-aside', 'journal.storage'])
    alerts.settleWhere(({ id }) => isOfKind(id, kind))
  settleDamage({ alerts, directory }, now())
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
  const isGrave = [outageKind.name, 'fact.power.ordered', 'fact.journal.lost'].includes(kind)
  alerts.open(`journal.set-aside:${`${kind} ${key}`.trim()}`, {
    // Without the record of an outage the cluster is not woken.
    severity: isGrave ? 'critical' : 'warning',
    subject: 'journal',
    text: `the record ${`${kind} ${key}`.trim()} can't be read and is set aside: ${why}`,
    action: 'Check `caretaker status` for anything left to do; the next start settles this alert',
  })
}

/** Without a record of it an outage is looked for on the nodes. */
function noteLoss(journal: JournalHandle, now: Date, why: string): void {
  if (journal.openOutage() === undefined) remembered.lost.remember(journal, { at: now.toISOString(), why })
}

/** What a person has ordered down stays down: the record of the outage tells of the order as well. */
function keepOrder(journal: JournalHandle): void {
  const open = journal.openOutage()
  if (open?.reason !== 'ordered' || open.stage === 'waking') return
  remembered.ordered.remember(journal, open.startedAt)
}
