import { type Alert, type AlertChange, describeAlert, type Severity } from '../core/alert.ts'
import { describeDuration } from '../core/duration.ts'
import type { StatusAnswer } from '../core/operator.ts'
import { describeMoment } from '../core/time.ts'
import { green, plain, red, yellow } from './colours.ts'

const colours: Readonly<Record<Severity, (text: string) => string>> = { critical: red, warning: yellow, info: plain }

/** One alert a paragraph: severity, id and age; the condition; what to do. */
export function renderAlerts(alerts: readonly Alert[], now: number): string {
  if (alerts.length === 0) return green('no open alerts')
  return alerts
    .map(({ id, severity, since, settledAt, text, action }) => {
      const lasts = describeDuration((settledAt === undefined ? now : Date.parse(settledAt)) - Date.parse(since))
      const ago = settledAt === undefined ? '' : `, settled ${describeDuration(now - Date.parse(settledAt))} ago`
      const head = `${severity.padEnd(8)}  ${id}, for ${lasts}${ago}`
      const lines = [text, ...(action === undefined ? [] : [action])].map((line) => `          ${line}`)
      return [settledAt === undefined ? colours[severity](head) : plain(head), ...lines].join('\n')
    })
    .join('\n')
}

/** A change of an alert, as it happens: when, what, and what to do. */
export function renderAlertChange(
  change: AlertChange | 'open',
  { id, severity, since, settledAt, text, action }: Alert,
  { now, zone }: { readonly now: Date; readonly zone: string },
): string {
  const at = describeMoment({ open: since, opened: since, changed: now, settled: settledAt ?? now }[change], zone)
  const head = `${at}  ${change.padEnd(7)}  ${severity}: ${id}`
  const colour = change === 'settled' ? green : colours[severity]
  const lines = [text, ...(action === undefined || change === 'settled' ? [] : [action])]
  return [colour(head), ...lines.map((line) => `    ${line}`)].join('\n')
}

/** How many alerts are open, and the most severe of them. */
export function describeAlerts({ open, worst }: StatusAnswer['alerts']): string {
  if (!worst) return green('none')
  const count = open === 1 ? '' : `${open} open (\`caretaker alerts\` lists them), the most severe: `
  return colours[worst.severity](`${count}${worst.severity}: ${describeAlert(worst)}`)
}
