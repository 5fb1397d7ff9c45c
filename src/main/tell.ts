import { type AlertContent, type Alerts, settleGone } from '../core/alert.ts'
import type { AlertKind } from '../core/alert-kinds.ts'
import type { Logger } from '../core/log.ts'
import type { Settings } from './settings.ts'
import type { WorldTold } from './wiring.ts'

/** Turns what is wrong with credentials, secrets and logins into alerts. */
export function tellAlerts({ config }: Pick<Settings, 'config'>, alerts: Alerts, log: Logger): WorldTold {
  // Machines that are no longer configured need no alerts.
  settleGone(alerts, { machine: [...config.nodes, ...config.hosts].map(({ name }) => name) })
  const warn = (kind: AlertKind, subject: string, text: string | undefined) => {
    const content: AlertContent | undefined = text === undefined ? undefined : { severity: 'warning', subject, text }
    alerts.report(`${kind}:${subject}`, content)
  }
  if (config.factory.fallbacks.length === 0) alerts.report('factory.away', undefined)
  if (config.factory.signedBy.length === 0) alerts.report('factory.signers', undefined)
  /** By the URL of a Factory, why its credentials can't be read. */
  const refused = new Map<string, string>()
  const tellFactories = () => {
    const text = [...refused].map(([url, why]) => `${why}: ${url} is not asked`).join('; ')
    alerts.report('factory.access', text === '' ? undefined : { severity: 'warning', subject: 'factory', text })
  }
  if ([config.factory, ...config.factory.fallbacks].every(({ auth, ca }) => auth === undefined && ca === undefined))
    tellFactories()
  return {
    credentials: (name, why) => warn('credentials.file', name, why && `${why}; its previous version stays in use`),
    machine: (name, why) =>
      warn('machine.secret', name, why && `${why}: ${name} can't be shut down or woken as configured`),
    factoryAccess: (url, why) => {
      if (why === undefined) refused.delete(url)
      else refused.set(url, why)
      tellFactories()
    },
    signers: (why) =>
      alerts.report(
        'factory.signers',
        why === undefined
          ? undefined
          : {
              severity: 'warning',
              subject: 'factory',
              text: `${why}: no image is staged with certificates that can't be read`,
            },
      ),
    factoryAway: (why) =>
      alerts.report(
        'factory.away',
        why === undefined ? undefined : { severity: 'info', subject: 'factory', text: why },
      ),
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
