import { type AlertContent, type Alerts, settleGone } from '../core/alert.ts'
import type { Logger } from '../core/log.ts'
import type { Settings } from './settings.ts'
import type { WorldTold } from './wiring.ts'

/** Turns what is wrong with credentials, secrets and logins into alerts. */
export function tellAlerts({ config }: Pick<Settings, 'config'>, alerts: Alerts, log: Logger): WorldTold {
  // Machines that are no longer configured need no alerts.
  settleGone(alerts, { machine: [...config.nodes, ...config.hosts].map(({ name }) => name) })
  const warn = (kind: string, subject: string, text: string | undefined) => {
    const content: AlertContent | undefined = text === undefined ? undefined : { severity: 'warning', subject, text }
    alerts.report(`${kind}:${subject}`, content)
  }
  return {
    credentials: (name, why) => warn('credentials.file', name, why && `${why}; its previous version stays in use`),
    machine: (name, why) =>
      warn('machine.secret', name, why && `${why}: ${name} can't be shut down or woken as configured`),
    secretMissing: (label, why) => warn('ups.secret', label, why && `${why}: ${label} is monitored without a login`),
    login: (label, refusal) => {
      if (refusal !== undefined)
        log.error({ ups: label, reason: refusal }, 'upsd refuses our login; the UPS is monitored without it')
      warn('ups.login', label, refusal)
    },
    plain: (label, why) => warn('ups.plain', label, why),
    unclear: (label, why) => warn('ups.unreadable', label, why && `${why}; ${label} is guarded without it`),
  }
}
