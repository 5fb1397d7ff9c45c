import type { AlertContent, Alerts } from '../core/alert.ts'
import type { AlertId } from '../core/alert-kinds.ts'
import { agreeing, listed } from '../core/count.ts'
import { describeDuration } from '../core/duration.ts'
import { clearLatch, forcedWords, latchedWords } from '../core/power/forced.ts'
import { type Heard, type PowerState, unclear } from '../core/power/state.ts'
import { describeFall } from '../core/power/trend.ts'
import { type PowerPolicy, triggersOf } from '../core/power/triggers.ts'
import {
  describeReported,
  type Doubt,
  type Doubts,
  has,
  remarksOn,
  type UpsReading,
  type UpsRemark,
} from '../core/power/ups.ts'

export interface UpsRemarksOptions {
  readonly alerts: Alerts
  /** That of a UPS, as it is now. */
  readonly policy: (label: string) => PowerPolicy
}

/** What shows that a battery empties although the UPS reports mains power. */
type Emptying = Pick<Heard, 'reading' | 'fall' | 'isInferred'>

/** What is said of a UPS; the text goes on after its label. */
type Remark = Pick<AlertContent, 'severity' | 'text' | 'action'>

/** How much each matters, and what to do about it. */
const matters: Readonly<Record<UpsRemark, Omit<Remark, 'text'>>> = {
  bypass: {
    severity: 'critical',
    action: 'Look at the UPS: take it out of bypass, or clear the fault that put it there',
  },
  off: { severity: 'critical', action: 'Switch its output on, or check what feeds the machines' },
  overload: { severity: 'critical', action: 'Take load off the UPS' },
  alarm: { severity: 'warning', action: 'Look at the UPS, or at its variables with `caretaker ups`' },
  replace: { severity: 'warning', action: 'Replace its battery' },
  low: { severity: 'warning', action: 'If its figures are right, set ignoreLowBattery for this UPS' },
  words: { severity: 'warning', action: 'Check the NUT driver, and what its server makes of the status' },
}

const forced: Remark = {
  severity: 'critical',
  text: `${forcedWords}: the cluster is shut down once its server falls silent, or the UPS is on battery or low`,
  action:
    'If its server is shutting down, shut the cluster down with `caretaker power shutdown`; if not, run `caretaker power cancel`, then restart upsd there',
}
const latched: Remark = {
  severity: 'critical',
  text: latchedWords,
  action: clearLatch,
}

/** From this charge on a battery is full, in %. */
const full = 90
/** Figures that are wrong for a moment are not reported, in ms. */
const doubtedFor = 60_000
/** LB on mains power is over with some charge: one that has lasted for so long, in ms, will start a shutdown when the power fails. */
const lowFor = 2 * 3_600_000
/** `OL DISCHRG` without a charge that would show which is right is reported after this, in ms. */
const dischargesFor = 5 * 60_000

/** A battery that is full and lasts for less than a shutdown takes: every power cut but a blip starts one. */
function shortOf(
  { charge, runtime }: UpsReading,
  { minimumRuntime = 0, onBatteryAfter }: PowerPolicy,
): Remark | undefined {
  if (charge === undefined || charge < full || runtime === undefined || runtime >= minimumRuntime) return undefined
  return {
    severity: 'warning',
    text: `lasts for only ${describeDuration(runtime)} with a full battery, and a shutdown takes ${describeDuration(minimumRuntime)}: a power cut of more than ${describeDuration(onBatteryAfter)} starts one`,
    action:
      'Shorten drainTimeout and shutdownTimeout, set minimumRuntime, or, if the runtime is wrong, trust: { runtime: false }',
  }
}

/** Figures that are not plausible, where there are any. */
function implausible(all: readonly (readonly [string, Doubt])[]): Remark | undefined {
  if (all.length === 0) return undefined
  const named = all.map(([figure, doubt]) => describeReported(figure as keyof Doubts, doubt))
  const whys = all.map(([, { why }]) => why)
  const isSame = new Set(whys).size === 1
  const text = isSame
    ? `reports ${listed(named)}, which ${agreeing(all, 'is', 'are')} not plausible: ${whys[0]}`
    : `reports figures that are not plausible: ${listed(named.map((one, index) => `${one} (${whys[index]})`))}`
  return {
    severity: 'warning',
    text: `${text}. ${agreeing(all, 'It starts', 'They start')} no shutdown, and no plan counts on ${agreeing(all, 'it', 'them')}`,
    action: `If it stays so, set trust: { ${all.map(([figure]) => `${figure}: false`).join(', ')} } for this UPS`,
  }
}

/** Alerts on what a UPS reports of itself: its battery, its load, and what does not fit together. */
export function createUpsRemarks({ alerts, policy }: UpsRemarksOptions) {
  /** Since when something is so, by its alert. */
  const sinces = new Map<string, number>()
  /** Open since before the start, and not looked at for as long as it takes to say it again. */
  const kept = new Set(alerts.all.map(({ id }) => id))

  function lastsFor(id: string, isSo: boolean, at: number): number {
    if (!isSo) sinces.delete(id)
    else if (!sinces.has(id)) sinces.set(id, at)
    return at - (sinces.get(id) ?? at)
  }

  /** Opens the alert with what is said, has it follow the figures, and settles it where nothing is said. */
  function remark(id: AlertId, label: string, said: Remark | undefined): void {
    kept.delete(id)
    if (said === undefined) alerts.settle(id)
    else alerts.refresh(id, { ...said, subject: label, text: `${label} ${said.text}` })
  }

  function noticeFigures(label: string, at: number, reading: UpsReading): void {
    const all = (Object.entries(reading.doubts ?? {}) as [string, Doubt][]).filter(
      ([, doubt]) => !doubt.isConfigured && !doubt.isUnconfirmed,
    )
    const id = `ups.figures:${label}` as const
    if (lastsFor(id, all.length > 0, at) >= doubtedFor || all.length === 0) remark(id, label, implausible(all))
  }

  /** A UPS that reports mains power, and a battery that is in use all the same. */
  function noticeFall(label: string, at: number, mode: PowerState['mode'], heard: Emptying): void {
    const id = `ups.falling:${label}` as const
    const { reading, fall, isInferred } = heard
    const status = reading.status.join(' ')
    const isBlind = mode === 'on-mains' && has(reading, 'DISCHRG') && reading.charge === undefined
    const discharges = lastsFor(id, isBlind, at)
    const { onBatteryBelow } = policy(label)
    const mark = fall?.of === 'charge' ? onBatteryBelow : undefined
    const later = mark === undefined ? '' : `; below ${mark} % it counts as on battery`
    const then = isInferred ? ': it counts as on battery' : later
    const text = fall
      ? `reports mains power (${status}), but ${describeFall(fall, at)}${then}`
      : isBlind && discharges >= dischargesFor
        ? `reports mains power and discharges its battery (${status}), without a charge that would show which is right`
        : undefined
    if (text === undefined && isBlind && kept.has(id)) return
    if (text === undefined) return remark(id, label, undefined)
    remark(id, label, { severity: 'critical', text, action: 'Check whether mains power has failed at the UPS' })
  }

  /** A low battery that figures contradict, or that stays low on mains power. */
  function noticeLow(
    label: string,
    at: number,
    { reading, doubted }: { reading: UpsReading; doubted: string | undefined },
  ): void {
    const id = `ups.low:${label}` as const
    const { ignoreLowBattery, lowBatteryAfter } = policy(label)
    const isLow = has(reading, 'LB') && has(reading, 'OL') && !ignoreLowBattery
    const lasts = lastsFor(id, isLow, at)
    if (ignoreLowBattery) return remark(id, label, undefined)
    if (doubted !== undefined) return remark(id, label, { ...matters.low, text: doubted })
    if (isLow && lasts < lowFor && kept.has(id)) return
    if (!isLow || lasts < lowFor) return remark(id, label, undefined)
    remark(id, label, {
      severity: 'warning',
      text: `has reported a low battery (LB) on mains power for ${describeDuration(lasts)}: a power cut shuts everything down after ${describeDuration(lowBatteryAfter)}`,
      action: 'Check its battery and its charger; if LB is wrong, set ignoreLowBattery for this UPS',
    })
  }

  function noticeUnclear(label: string, at: number, state: PowerState): void {
    const id = `ups.unclear:${label}` as const
    const since = 'unclearSince' in state ? state.unclearSince : undefined
    if (since === undefined) return remark(id, label, undefined)
    if (at - since < policy(label).deadTime) return
    const reading = 'reading' in state ? state.reading : undefined
    const known = state.mode === 'unknown' ? 'nothing is known of it' : `the last known state holds (${state.mode})`
    const why = reading ? unclear(reading) : state.mode === 'unknown' ? state.why : ''
    remark(id, label, {
      severity: 'critical',
      text: `answers, but ${why}: ${known}`,
      action: 'Check the UPS and its NUT driver',
    })
  }

  return {
    /** What it has just reported, as it is believed. */
    notice: (label: string, at: number, state: PowerState): void => {
      noticeUnclear(label, at, state)
      if (!('reading' in state) || state.reading === undefined) return
      const { reading } = state
      const { low, ...others } = remarksOn(reading)
      for (const [matter, text] of Object.entries(others) as [UpsRemark, string | undefined][])
        remark(`ups.${matter}:${label}`, label, text === undefined ? undefined : { ...matters[matter], text })
      noticeLow(label, at, { reading, doubted: low })
      noticeFigures(label, at, reading)
      if (state.mode !== 'unknown') noticeFall(label, at, state.mode, { ...state, reading })
      if (state.mode === 'on-mains') remark(`ups.short:${label}`, label, shortOf(reading, policy(label)))
      for (const { reason, text, disarmed, lacks } of triggersOf(reading, policy(label))) {
        const told = `can't start a shutdown for ${text}: ${disarmed}`
        remark(
          `ups.disarmed.${reason}:${label}`,
          label,
          lacks === undefined
            ? undefined
            : { severity: 'warning', text: told, action: 'See in `caretaker power status` which triggers are armed' },
        )
      }
    },
    /** A forced shutdown that nothing has confirmed, and one that is left over: every client of upsd obeys it. */
    noticeMode: (label: string, { mode }: PowerState): void => {
      if (mode === 'unknown') return
      remark(`ups.forced:${label}`, label, mode === 'forced' ? forced : undefined)
      remark(`ups.latched:${label}`, label, mode === 'latched' ? latched : undefined)
    },
  }
}
