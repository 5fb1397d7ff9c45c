import { agreeing, listed } from '../core/count.ts'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import { describeRefused, type Sheddable } from './shed.ts'

/**
 * What people hear of an outage beside its events. Alerts of the kind `outage` belong to the one that is on record, and
 * are settled when it is over.
 */

/** Machines that booted and are left alone while the UPS is silent. */
export function reportSpared(alerts: Alerts, names: readonly string[]): void {
  if (names.length === 0) return void alerts.settle('outage.spared')
  alerts.open('outage.spared', {
    severity: 'warning',
    subject: 'power',
    text: `${listed(names)} ${agreeing(names, 'answers', 'answer')} while the UPS is silent, and ${agreeing(names, 'is', 'are')} left alone: mains power may be back`,
    action: 'If it is back, wake the rest with `caretaker power wake`',
  })
}

/** A battery that keeps machines from being woken for long: it may be worn out, or its UPS may report what is not so. */
export function reportHeld(alerts: Alerts, why: string): void {
  alerts.refresh('outage.charge', {
    severity: 'warning',
    subject: 'power',
    text: `machines stay down although mains power is back: ${why}`,
    action: 'Wake them anyway with `caretaker power wake`; a battery that stays so may be worn out',
  })
}

/** Nodes that start another release, or may, when they come back. */
export function reportArmedOutage(alerts: Alerts, armed: readonly string[], uncertain: readonly string[]): void {
  const texts = [
    ...(armed.length > 0
      ? [
          `${listed(armed)} ${agreeing(armed, 'starts', 'start')} another release at the next boot: an upgrade is installed`,
        ]
      : []),
    ...(uncertain.length > 0
      ? [
          `${listed(uncertain)} may start another release at the next boot: ${agreeing(uncertain, 'it was', 'they were')} being upgraded`,
        ]
      : []),
  ]
  const text = texts.join('; ')
  alerts.report('outage.armed', texts.length === 0 ? undefined : { severity: 'warning', subject: 'cluster', text })
}

/** What could not be looked up before a drain, and so is not changed; undefined: it could. */
export function reportLookup(alerts: Alerts, what: 'workloads' | 'storage', error: unknown): void {
  const named = { workloads: 'workloads are', storage: 'storage is' }[what]
  alerts.report(
    `outage.lookup:${what}`,
    error === undefined
      ? undefined
      : { severity: 'warning', subject: 'kubernetes', text: `${named} left as found: ${messageOf(error)}` },
  )
}

/** Selections of `power.shed` that the API server refuses: until they are fixed. */
export function reportRefused(alerts: Alerts, sheddable: Sheddable): void {
  const text = describeRefused(sheddable)
  alerts.report('power.shed', text === undefined ? undefined : { severity: 'warning', subject: 'kubernetes', text })
}

export function isRefused(alerts: Alerts): boolean {
  return alerts.find('power.shed') !== undefined
}

/** UPSes of which no one will hear when mains power is back: by label, the host that their server went down with. */
export function reportBlind(alerts: Alerts, servers: ReadonlyMap<string, string>): void {
  alerts.reportEach(
    'outage.blind',
    new Map(
      [...servers].map(([label, server]) => [
        label,
        {
          severity: 'warning',
          subject: label,
          text: `${label} can't report when mains power is back, because its server went down with ${server}`,
          action: `When mains power is back, press the power button of ${server}, or wake it with \`caretaker power wake ${server}\``,
        },
      ]),
    ),
  )
}

/** Machines that still run although everything was to shut down: they will lose their power. */
export function reportLeft(alerts: Alerts, state: 'abandoned' | 'unreached', names: readonly string[]): void {
  const why = {
    abandoned: 'did not shut down in time',
    unreached: `could not be shut down, because ${agreeing(names, 'it was', 'they were')} unreachable or refused`,
  }[state]
  alerts.report(
    `outage.${state}`,
    names.length === 0
      ? undefined
      : {
          severity: 'critical',
          subject: names.join(', '),
          text: `${listed(names)} ${why}`,
          action: `If ${agreeing(names, 'it still runs, switch it', 'they still run, switch them')} off by hand before the battery is empty`,
        },
  )
}

const unhealed = 'storage.recovery'

/**
 * Storage that is not whole although its flags had to be removed, with what is not; undefined: it is whole again. It
 * outlives the outage.
 */
export function reportUnhealed(alerts: Alerts, why: string | undefined): void {
  alerts.report(
    unhealed,
    why === undefined
      ? undefined
      : {
          severity: 'warning',
          subject: 'storage',
          text: `storage did not become whole in time after the power cut, and its flags were removed all the same: ${why}`,
          action: 'Look at it; no node is upgraded before it is whole',
        },
  )
}

export function isUnhealed(alerts: Alerts): boolean {
  return alerts.find(unhealed) !== undefined
}

/** An outage that is over has nothing more to tell; the next one says it again, of the same machines too. */
export function settleOutage(alerts: Alerts): void {
  alerts.settleWhere(({ id }) => id.startsWith('outage.'), 'the power cut is over')
}
