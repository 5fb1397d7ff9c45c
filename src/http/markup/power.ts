import { html } from 'hono/html'
import { capitalized } from '../../core/capitalized.ts'
import { describeDuration } from '../../core/duration.ts'
import { describeReason } from '../../core/event.ts'
import type { PowerAnswer } from '../../core/operator.ts'
import type { UpsAnswer, UpsStateAnswer } from '../../core/power/answers.ts'
import type { Countdown } from '../../core/power/countdown.ts'
import { describeUse, type UpsIdentity } from '../../core/power/identity.ts'
import { forcedWords, latchedWords } from '../../core/power/forced.ts'
import type { Outage } from '../../core/power/outage.ts'
import { countdown, type Drawing, since } from './moments.ts'
import { badge, type Markup, prose, type Tone } from './parts.ts'
import { type RequestButton, requestButtons } from './requests.ts'
import type { Scope } from '../../core/access/token.ts'

/** The power, as more than one page shows it. */

const modes: Readonly<Record<UpsStateAnswer['mode'], readonly [Tone, string]>> = {
  unknown: ['warning', 'unknown'],
  'on-mains': ['fine', 'on mains'],
  'on-battery': ['critical', 'on battery'],
  critical: ['critical', 'critical'],
  forced: ['critical', forcedWords],
  latched: ['warning', latchedWords],
}

/** How a UPS is, in a word or two, and since when. */
export function upsMode({ state, noReading }: UpsAnswer, drawing: Drawing): Markup {
  const [tone, words] = modes[state.mode]
  const silent = noReading === undefined ? '' : html` ${badge('warning', 'not heard')}`
  return html`${badge(tone, words)} <span class="soft">for ${since(state.since, drawing)}</span>${silent}`
}

/** What it tells of its battery, in large figures. @param identity what it is made for, where that is known */
export function upsFigures({ state: { reading }, inputVolts }: UpsAnswer, identity: UpsIdentity = {}): Markup {
  if (!reading) return html`<p class="empty">No figures yet.</p>`
  const { chargePercent, runtimeMs, loadPercent, doubtful = {} } = reading
  const one = (name: string, text: string | undefined, doubted: string | undefined, bar: unknown = '') =>
    html`<div>
      <dt>${name}${doubted === undefined ? '' : ', not used'}</dt>
      <dd>${text ?? html`<span class="soft">?</span>`}</dd>
      ${bar}
    </div>`
  const percent = (value: number | undefined) => (value === undefined ? undefined : `${Math.round(value)} %`)
  const charge = chargePercent ?? doubtful.chargePercent?.reported
  const runtime = runtimeMs ?? doubtful.runtimeMs?.reported
  const use = describeUse(loadPercent, identity)
  const notes = [
    ...(inputVolts === undefined ? [] : [`${Math.round(inputVolts)} V at its input`]),
    ...(use === undefined ? [] : [`${use} used`]),
  ]
  return html`<dl class="figures">
      ${one('charge', percent(charge), doubtful.chargePercent?.why, bar('charge', charge, { low: 20, high: 50, optimum: 100 }))}
      ${one('runtime', runtime === undefined ? undefined : describeDuration(runtime), doubtful.runtimeMs?.why)}
      ${one('load', percent(loadPercent), undefined, bar('load', loadPercent, { low: 70, high: 90, optimum: 0 }))}
    </dl>
    ${notes.length === 0 ? '' : html`<p class="soft small">${capitalized(notes.join(', '))}</p>`}`
}

/** In percent; its colour says how good that is. */
function bar(
  name: string,
  value: number | undefined,
  { low, high, optimum }: { readonly low: number; readonly high: number; readonly optimum: number },
): Markup {
  if (value === undefined) return html``
  const shown = Math.max(0, Math.min(100, Math.round(value)))
  return html`<dd>
    <meter
      min="0"
      max="100"
      low="${low}"
      high="${high}"
      optimum="${optimum}"
      value="${shown}"
      aria-label="${name}"
    ></meter>
  </dd>`
}

/** What a shutdown of the power is at, for whoever holds a phone in the dark. */
export interface Alarm {
  readonly power: PowerAnswer
  readonly outage: Outage | undefined
  readonly countdown: Countdown | undefined
  /** The sentence on it. */
  readonly text: string
  /** What starts a shutdown, and what goes down when. */
  readonly details: string | undefined
}

/** The countdown and the button that stops it; undefined where the power is not failing. */
export function alarmView(alarm: Alarm, viewing: Drawing & { readonly scope: Scope | undefined }): Markup | undefined {
  const { power, outage, countdown: next } = alarm
  const battery = power.upses.filter(({ state }) => ['on-battery', 'critical'].includes(state.mode))
  const isOpen = outage !== undefined && outage.reason !== 'on-battery'
  if (battery.length === 0 && !isOpen) return undefined
  const isDown = outage?.stage === 'stopped' || outage?.stage === 'waking'
  // Once the shutdown is over, what would start it is of no use.
  const details = isDown ? undefined : alarm.details
  const tone = outage?.stage === 'waking' || outage?.reason === 'drill' ? 'warning' : 'critical'
  const isCancelled = battery.length > 0 && battery.every(({ state }) => state.cancelled !== undefined)
  const buttons: readonly (RequestButton | undefined)[] = [
    isDown || isCancelled
      ? undefined
      : { at: '/power/do/cancel', label: 'Cancel the shutdown', isDangerous: true, isMain: true },
    isDown ? { at: '/power/do/wake', label: 'Wake everything now', isMain: true } : undefined,
  ]
  return html`<section class="alarm ${tone}" aria-label="Power cut">
    <h2>${alarm.text}.</h2>
    ${
      next === undefined
        ? ''
        : html`<div>
            <span class="small">a shutdown starts in</span>
            ${countdown(next.at, viewing)}
          </div>`
    }
    <ul class="plain">
      ${battery.map((ups) => html`<li>${describeBattery(ups, alarm.text, viewing)}</li>`)}
      ${next === undefined ? '' : html`<li>${words[next.reason]}; a low battery starts it sooner.</li>`}
    </ul>
    ${requestButtons(buttons, viewing)}
    ${
      details === undefined
        ? ''
        : html`<details>
            <summary>What starts it, and what goes down when</summary>
            <p>${prose(details)}</p>
          </details>`
    }
  </section>`
}

const words = {
  'on-battery-too-long': 'It may run on battery no longer than that',
  'low-runtime': 'Only the runtime that is kept for the shutdown is left by then',
} as const

/** @param said what is said already: a reason is not told twice */
function describeBattery({ label, state }: UpsAnswer, said: string, drawing: Drawing): Markup {
  const { reading, cancelled } = state
  const reason = state.reason === undefined ? undefined : describeReason(state.reason)
  const figures = [
    ...(reading?.chargePercent === undefined ? [] : [`${Math.round(reading.chargePercent)} % charge`]),
    ...(reading?.runtimeMs === undefined ? [] : [`lasts ${describeDuration(reading.runtimeMs)}`]),
  ]
  return html`<strong>${label}</strong> on battery for
    ${since(state.since, drawing)}${
      figures.length === 0 ? '' : `, ${figures.join(', ')}`
    }${reason === undefined || said.includes(reason) ? '' : `: ${reason}`}${
      cancelled === undefined ? '' : '. The shutdown is cancelled until mains power is back'
    }`
}
