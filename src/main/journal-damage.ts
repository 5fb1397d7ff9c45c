import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Damage } from '../adapters/journal/file.ts'
import { type AlertContent, alertKind, type Alerts, isOfKind } from '../core/alert.ts'
import { counted } from '../core/count.ts'
import type { Journal } from '../core/journal.ts'
import { outageKind } from '../core/power/outage-kind.ts'
import { rolloutKind } from '../core/upgrade/rollout-kind.ts'

const kind = 'journal.damaged'
/** What SQLite keeps beside a file goes with it. */
const setAside = /^journal\.db\.damaged-.*Z(?:-\d+)?$/
/** For so long an alert stays that has no file whose removal would settle it, and no loss, in ms. */
const shownFor = 7 * 86_400_000

/**
 * Each file that was set aside is an alert of its own, named by it: a second loss hides no earlier one. Where the earlier
 * alert was lost with the records, its file tells of it.
 */
export function reportDamage(
  { alerts, journal, directory, now }: DamageMeans & { readonly journal: Journal; readonly now: Date },
  damage: Damage,
): void {
  alerts.open(idOf(damage.keptAs ?? now.toISOString()), describeDamage(damage, directory))
  const known = new Set(
    journal
      .records(alertKind)
      .newest(alertKind.retention.most)
      .map(({ id }) => id),
  )
  for (const file of filesIn(directory)) {
    const id = idOf(file)
    if (known.has(id) || alerts.find(id) !== undefined) continue
    alerts.open(id, {
      severity: 'critical',
      subject: 'journal',
      text: `an earlier journal was set aside as ${file}, and what was lost with it is not on record any more`,
      action: settledBy(directory, file),
    })
  }
}

interface DamageMeans {
  readonly alerts: Alerts
  /** The state directory. */
  readonly directory: string
}

/**
 * Settles what a person has dealt with: the file that was set aside is gone. Where nothing was lost, or there is no file,
 * nothing is left to be done, and the alert settles after a week.
 */
export function settleDamage({ alerts, directory }: DamageMeans, now: Date): void {
  alerts.settleWhere(({ id, since, severity }) => {
    if (!isOfKind(id, kind)) return false
    const file = id.slice(kind.length + 1)
    const isOld = now.getTime() - Date.parse(since) > shownFor
    if (!setAside.test(file)) return isOld
    return !existsSync(join(directory, file)) || (severity !== 'critical' && isOld)
  })
}

const idOf = (name: string) => `${kind}:${name}` as const

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => setAside.test(name))
  } catch {
    // A directory that can't be read is an alert of its own.
    return []
  }
}

const settledBy = (directory: string, file: string) => `Remove ${join(directory, file)} to settle this alert`

/** What became of a file that is damaged, what is lost with it, and what a person should do. */
export function describeDamage({ why, keptAs, recovered, isWhole }: Damage, directory: string): AlertContent {
  const file = keptAs === undefined ? '' : `; the file is kept as ${keptAs}`
  const found = recovered.length === 0 ? 'nothing of it could be read' : `recovered: ${describeRecords(recovered)}`
  const lost = isWhole ? 'nothing is lost' : recovered.length === 0 ? found : `${found}; the rest is lost`
  const end = keptAs === undefined ? 'This alert settles after a week' : settledBy(directory, keptAs)
  const disk = 'check the disk or the SD card of the state directory'
  return {
    // A person has nothing to make good, but a disk that damages one file damages another.
    severity: isWhole ? 'warning' : 'critical',
    subject: 'journal',
    text: `the journal could not be used (${why}), and a new one was begun${file}: ${lost}`,
    action: isWhole
      ? `${disk[0]!.toUpperCase()}${disk.slice(1)}. This alert settles after a week`
      : `Check \`caretaker status\` and \`caretaker power history\`, pause and approve again what is missing, and ${disk}. ${end}`,
  }
}

function describeRecords(rows: Damage['recovered']): string {
  const count = (test: (row: Damage['recovered'][number]) => boolean) => rows.filter(test).length
  const isOpen = (name: string) => count((row) => row.kind === name && row.open)
  const parts = [
    { many: isOpen(outageKind.name), what: 'open outage' },
    { many: isOpen(rolloutKind.name), what: 'open rollout' },
    { many: isOpen(alertKind.name), what: 'open alert' },
    { many: count((row) => row.kind.startsWith('fact.')), what: 'note' },
    { many: rows.length, what: 'record' },
  ].filter(({ many }) => many > 0)
  return `${parts.map(({ many, what }) => counted(many, what)).join(', ')}${parts.length > 1 ? ' in all' : ''}`
}
