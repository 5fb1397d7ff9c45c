import { type AlertContent, type Alerts, settleGone, type Severity } from '../core/alert.ts'
import type { Event } from '../core/event.ts'
import { type PowerState, readingAfter, saysAnything } from '../core/power/state.ts'
import { type PowerPolicy, triggersOf } from '../core/power/triggers.ts'
import { type Observation, remarksOn, type UpsRemark } from '../core/power/ups.ts'

export interface UpsAlertsOptions {
  /** UPSes by label. */
  readonly upses: readonly string[]
  /** As it is now. */
  readonly policy: () => PowerPolicy
  readonly alerts: Alerts
  readonly emit: (event: Event) => Promise<void>
  /** Monotonic clock, in ms. */
  readonly monotonic: () => number
}

interface Hearing {
  lastHeard: number
  /** When it fell silent, within the last day. */
  silentAt: number[]
  isSilent: boolean
}

/** A UPS that goes silent this often a day is one alert, not one each time: brief losses of data are common. */
const flaps = 3
const hour = 3_600_000
const day = 24 * hour

const severities: Readonly<Record<UpsRemark, Severity>> = {
  bypass: 'critical',
  off: 'critical',
  overload: 'critical',
  alarm: 'warning',
  replace: 'warning',
  low: 'warning',
}

/** Alerts about the UPSes themselves: their silence, and what they report of their battery and load. */
export function createUpsAlerts({ upses, policy, alerts, emit, monotonic }: UpsAlertsOptions) {
  // A UPS that is no longer configured has no more alerts.
  settleGone(alerts, { ups: upses })
  const hearing = new Map<string, Hearing>(
    upses.map((label) => [
      label,
      {
        lastHeard: monotonic(),
        // For a UPS that was unsteady before the restart the day counts from now.
        silentAt: alerts.find(`ups.unsteady:${label}`) ? [monotonic()] : [],
        isSilent: false,
      },
    ]),
  )

  /** Opened once, and unchanged while it lasts, however the figures change. */
  function openOnce(id: string, content: AlertContent): void {
    if (!alerts.find(id)) alerts.open(id, content)
  }

  function noticeHeard(label: string, heard: Hearing, at: number): void {
    heard.lastHeard = at
    alerts.settle(`ups.silent:${label}`)
    if (heard.silentAt.every((one) => at - one >= day)) alerts.settle(`ups.unsteady:${label}`)
    if (heard.isSilent) void emit({ type: 'ups.heard', ups: label })
    heard.isSilent = false
  }

  return {
    /** Silence on mains starts no shutdown, so a person must know that the power is not guarded. */
    noticeSilence: (label: string, seen: Observation, state: PowerState): void => {
      const heard = hearing.get(label)!
      if (seen.kind !== 'silence' && saysAnything(readingAfter(state, seen), state))
        return noticeHeard(label, heard, seen.at)
      const silence = seen.at - heard.lastHeard
      if (silence <= policy().deadTime) return
      const isNew = !heard.isSilent
      if (isNew) heard.silentAt = [...heard.silentAt.filter((at) => seen.at - at < day), seen.at]
      heard.isSilent = true
      const why = seen.kind === 'silence' ? seen.why : 'the UPS server has no data'
      const said = (text: string): AlertContent => ({
        severity: 'critical',
        subject: label,
        text: `${label} ${text}: ${why}`,
        action: 'Check the UPS, its cable, and upsd on its server',
      })
      const isUnsteady = heard.silentAt.length >= flaps
      if (!isUnsteady) openOnce(`ups.silent:${label}`, said('is silent, and the power is not guarded'))
      else openOnce(`ups.unsteady:${label}`, said('keeps going silent, so the power is guarded only intermittently'))
      // One that seemed to be of those that pass, and does not.
      if (isUnsteady && silence > hour)
        openOnce(`ups.silent:${label}`, said('has been silent for an hour, and the power is not guarded'))
      if (isNew) void emit({ type: 'ups.silent', ups: label })
    },
    noticeRemarks: (label: string, seen: Observation, state: PowerState): void => {
      if (seen.kind === 'silence') return
      const reading = readingAfter(state, seen)
      if (!saysAnything(reading, state)) return
      const remark = (id: string, severity: Severity, text: string | undefined) => {
        if (text === undefined) alerts.settle(id)
        else openOnce(id, { severity, subject: label, text: `${label} ${text}` })
      }
      const remarks = Object.entries(remarksOn(reading)) as [UpsRemark, string | undefined][]
      for (const [matter, text] of remarks) remark(`ups.${matter}:${label}`, severities[matter], text)
      for (const { reason, text, disarmed, lacks } of triggersOf(reading, policy())) {
        const told = lacks === undefined ? undefined : `can't start a shutdown for ${text}: ${disarmed}`
        remark(`ups.disarmed.${reason}:${label}`, 'warning', told)
      }
    },
    /** Every client of an upsd that keeps its FSD shuts down again and again, until a person restarts it. */
    noticeLatch: (label: string, { mode }: PowerState): void => {
      const id = `ups.latched:${label}`
      if (mode === 'latched')
        openOnce(id, {
          severity: 'critical',
          subject: label,
          text: `${label} still reports a forced shutdown (FSD), although mains power is back`,
          action: 'Clear it: restart upsd on its server',
        })
      else if (mode !== 'unknown') alerts.settle(id)
    },
    /** For how long a UPS has been silent, in ms, once that is longer than the policy allows. */
    silentFor: (label: string): number | undefined => {
      const silence = monotonic() - (hearing.get(label)?.lastHeard ?? 0)
      return silence > policy().deadTime ? silence : undefined
    },
  }
}
