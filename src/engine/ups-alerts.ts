import { type AlertContent, type Alerts, settleGone } from '../core/alert.ts'
import type { Event } from '../core/event.ts'
import { describeFlapping, holdsAfter } from '../core/power/flapping.ts'
import type { Silence } from '../core/power/silence.ts'
import type { PowerState } from '../core/power/state.ts'
import type { PowerPolicy } from '../core/power/triggers.ts'
import type { Observation } from '../core/power/ups.ts'
import { createUpsRemarks } from './ups-remarks.ts'

export interface UpsAlertsOptions {
  /** UPSes by label. */
  readonly upses: readonly string[]
  /** That of a UPS, as it is now. */
  readonly policy: (label: string) => PowerPolicy
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
  /** Why there was no reading the last time; undefined where there was one. */
  why?: string | undefined
}

/** A UPS that goes silent this often a day is one alert, not one each time: brief losses of data are common. */
const flaps = 3
const hour = 3_600_000
const day = 24 * hour

/** Alerts about the UPSes themselves: their silence, and what they report of their battery and load. */
export function createUpsAlerts({ upses, policy, alerts, emit, monotonic }: UpsAlertsOptions) {
  // A UPS that is no longer configured has no more alerts.
  settleGone(alerts, { ups: upses })
  const hearing = new Map<string, Hearing>(
    upses.map((label) => [
      label,
      {
        lastHeard: monotonic(),
        // For a UPS that was unsteady before the restart the day counts from now, and one more silence is of the same.
        silentAt: alerts.find(`ups.unsteady:${label}`) ? Array.from({ length: flaps - 1 }, monotonic) : [],
        isSilent: false,
      },
    ]),
  )

  function noticeHeard(label: string, heard: Hearing, at: number): void {
    heard.lastHeard = at
    alerts.settle(`ups.silent:${label}`)
    if (heard.silentAt.every((one) => at - one >= day)) alerts.settle(`ups.unsteady:${label}`)
    if (heard.isSilent) void emit({ type: 'ups.heard', ups: label })
    heard.isSilent = false
    heard.why = undefined
  }

  /** Silence on mains starts no shutdown, so a person must know that the power is not guarded; on battery it is a power cut. */
  function noticeSilence(label: string, heard: Hearing, seen: Observation, { mode }: PowerState): void {
    const { at } = seen
    const why = seen.kind === 'silence' ? seen.why : 'the UPS server has no data'
    heard.why = why
    const isFailed = mode === 'critical'
    const silence = at - heard.lastHeard
    if (silence <= policy(label).deadTime) return
    const isNew = !heard.isSilent
    if (isNew) heard.silentAt = [...heard.silentAt.filter((one) => at - one < day), at]
    heard.isSilent = true
    const said = (text: string): AlertContent => ({
      severity: 'critical',
      subject: label,
      text: `${label} ${text}: ${why}`,
      action: 'Check the UPS, its cable, and upsd on its server',
    })
    const isUnsteady = heard.silentAt.length >= flaps
    if (!isUnsteady)
      alerts.refresh(
        `ups.silent:${label}`,
        said(isFailed ? 'is silent, and it counts as failed' : 'is silent, and the power is not guarded'),
      )
    else
      alerts.refresh(`ups.unsteady:${label}`, said('keeps going silent, so the power is guarded only intermittently'))
    // One that seemed to be of those that pass, and does not.
    if (isUnsteady && silence > hour)
      alerts.refresh(
        `ups.silent:${label}`,
        said(`has been silent for an hour, and ${isFailed ? 'it counts as failed' : 'the power is not guarded'}`),
      )
    if (isNew) void emit({ type: 'ups.silent', ups: label })
  }

  const startedAt = monotonic()
  const flapping = new Map<string, string>()

  /** Mains power that keeps failing is one alert, of all UPSes. One that is open at the start must see it hold too. */
  function noticeFlapping(label: string, at: number, state: PowerState): void {
    const text = 'failures' in state ? describeFlapping(state.failures, at) : undefined
    if (text === undefined) flapping.delete(label)
    else flapping.set(label, upses.length > 1 ? `${text} at ${label}` : text)
    if (flapping.size === 0) return void (at - startedAt >= holdsAfter && alerts.settle('power.flapping'))
    alerts.refresh('power.flapping', {
      severity: 'warning',
      subject: 'power',
      text: `${[...flapping.values()].join('; ')}: the battery empties a little more each time`,
      action: 'If it goes on, shut the cluster down with `caretaker power shutdown` before it is empty',
    })
  }

  const remarks = createUpsRemarks({ alerts, policy })

  return {
    /** Takes note of what was seen, and of the state that it led to. */
    notice: (label: string, seen: Observation, state: PowerState): void => {
      const heard = hearing.get(label)
      if (!heard) return
      if (seen.kind !== 'silence' && isHeard(state, seen.at)) {
        noticeHeard(label, heard, seen.at)
        remarks.notice(label, seen.at, state)
      } else {
        noticeSilence(label, heard, seen, state)
      }
      remarks.noticeMode(label, state)
      noticeFlapping(label, seen.at, state)
    },
    /** That there is no reading of a UPS, from the first question without an answer on; undefined where there is one. */
    silence: (label: string): Silence | undefined => {
      const { lastHeard, why } = hearing.get(label) ?? {}
      return lastHeard === undefined || why === undefined ? undefined : { ms: monotonic() - lastHeard, why }
    },
    /** For how long a UPS has been silent, in ms, once that is longer than the policy allows. */
    silentFor: (label: string): number | undefined => {
      const silence = monotonic() - (hearing.get(label)?.lastHeard ?? 0)
      return silence > policy(label).deadTime ? silence : undefined
    },
  }
}

/** Whether upsd had data of the UPS: a status that says nothing of mains power is an answer too. */
function isHeard(state: PowerState, at: number): boolean {
  if (state.mode === 'unknown') return state.unclearSince !== undefined
  return state.lastHeard === at
}
