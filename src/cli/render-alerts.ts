import { type Alert, type AlertChange, describeAlert, type Severity } from '../core/alert.ts'
import { describeDuration } from '../core/duration.ts'
import type { StatusAnswer } from '../core/operator.ts'
import { describeMoment } from '../core/time.ts'
import { green, plain, red, yellow } from './colours.ts'
import { hanging, indented } from './table.ts'

const colours: Readonly<Record<Severity, (text: string) => string>> = { critical: red, warning: yellow, info: plain }

/** One alert a paragraph: severity, id and age; the condition; what to do. */
export function renderAlerts(alerts: readonly Alert[], now: number): string {
  if (alerts.length === 0) return green('no open alerts')
  return alerts
    .map((alert) => {
      const { id, severity, since, settledAt } = alert
      const lasts = describeDuration((settledAt === undefined ? now : Date.parse(settledAt)) - Date.parse(since))
      const ago = settledAt === undefined ? '' : `, settled ${describeDuration(now - Date.parse(settledAt))} ago`
      const head = hanging(`${severity.padEnd(8)}  `, `${id}, for ${lasts}${ago}`)
      const lines = linesOf(alert).map((line) => indented(line, ' '.repeat(10)))
      return [settledAt === undefined ? colours[severity](head) : plain(head), ...lines].join('\n')
    })
    .join('\n')
}

/** A change of an alert, as it happens: when, what, and what to do. */
export function renderAlertChange(
  change: AlertChange | 'open',
  alert: Alert,
  { now, zone }: { readonly now: Date; readonly zone: string },
): string {
  const { id, severity, since, settledAt } = alert
  const at = describeMoment({ open: since, opened: since, changed: now, settled: settledAt ?? now }[change], zone)
  const head = hanging(`${at}  ${change.padEnd(7)}  `, `${severity}: ${id}`)
  const colour = change === 'settled' ? green : colours[severity]
  return [colour(head), ...linesOf(alert).map((line) => indented(line, '    '))].join('\n')
}

/** The condition, and what to do; of one that is settled how it ended. */
function linesOf({ text, action, settledAt, ending }: Alert): readonly string[] {
  const next = settledAt === undefined ? action : ending && `ended: ${ending}`
  return next === undefined ? [text] : [text, next]
}

/** How many alerts are open, and the most severe of them. */
export function describeAlerts({ open, worst }: StatusAnswer['alerts']): string {
  if (!worst) return green('none')
  const count = open === 1 ? '' : `${open} open (\`caretaker alerts\` lists them), the most severe: `
  return colours[worst.severity](`${count}${worst.severity}: ${describeAlert(worst)}`)
}
