import { html } from 'hono/html'
import { describeDuration } from '../../../core/duration.ts'
import { describeReason } from '../../../core/event.ts'
import type { PowerAnswer, PowerPlanAnswer } from '../../../core/operator.ts'
import type { UpsAnswer } from '../../../core/power/answers.ts'
import type { UpsIdentity } from '../../../core/power/identity.ts'
import type { UpsReadingsAnswer } from '../../../core/power/readings.ts'
import type { Countdown } from '../../../core/power/countdown.ts'
import type { Outage } from '../../../core/power/outage.ts'
import { summarize } from '../../../core/power/summary.ts'
import { describeFit } from '../../../core/power/timeline.ts'
import { describeClock } from '../../../core/time.ts'
import { english } from '../../../core/wording.ts'
import { ago, moment } from '../../../http/markup/moments.ts'
import { badge, card, empty, type Markup, notice, pageTitle, prose } from '../../../http/markup/parts.ts'
import { alarmView, upsFigures, upsMode } from '../../../http/markup/power.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import type { Viewing } from '../../../operations/pages.ts'
import { identityView } from './identity-view.ts'
import { panelsOf, rangesOf } from './ranges.ts'

/** What the page about the power shows. */
export interface PowerData {
  readonly power: PowerAnswer
  readonly plan: PowerPlanAnswer
  /** Newest first. */
  readonly outages: readonly Outage[]
  readonly countdown: Countdown | undefined
  readonly readings: readonly UpsReadingsAnswer[]
  /** What the UPSes are, by label, as far as they have told. */
  readonly identities: ReadonlyMap<string, UpsIdentity>
}

export function powerView(data: PowerData, viewing: Viewing): Markup {
  const { power, plan, outages, countdown } = data
  const outage = outages.find(({ stage }) => stage !== 'over')
  const text = outage && outage.reason !== 'on-battery' ? stages[outage.stage] : 'Mains power failed'
  const alarm = alarmView({ power, outage, countdown, text, details: undefined }, viewing)
  const isGoing = outage?.stage === 'draining' || outage?.stage === 'stopping'
  return html`${pageTitle('Power', 'The batteries, their last day, and what a shutdown would do.')} ${alarm ?? ''}
    ${
      power.shutdownRequestedAt === undefined
        ? ''
        : notice(
            'warning',
            html`<p>Everything is kept shut down since ${moment(power.shutdownRequestedAt, viewing)}, by request.</p>`,
          )
    }
    ${power.upses.length === 0 ? empty('No UPS is configured: power cuts are not noticed.') : ''}
    ${power.upses.map((ups) => upsCard(ups, data, viewing))}
    <div class="beside">
      ${card(isGoing ? 'What is still to be done' : 'If the power failed now', planView(plan), { id: 'plan' })}
      <div class="cards">
        ${outage ? card('This outage', outageView(outage, viewing), { id: 'outage' }) : ''}
        ${card('Requests', requestsView(power, { isGoing, isOver: alarm === undefined }, viewing), { id: 'requests' })}
      </div>
    </div>
    ${card('Past outages', outageTable(outages, viewing), { id: 'outages', isWide: true })}`
}

const stages: Readonly<Record<Outage['stage'], string>> = {
  shedding: 'Workloads are scaled down to spare the battery',
  draining: 'The nodes are being drained; nothing is off yet',
  stopping: 'Machines are shutting down',
  stopped: 'Every machine was shut down',
  waking: 'Mains power is back: machines are being woken',
  over: 'It is over',
}

function upsCard(ups: UpsAnswer, { readings, outages, identities }: PowerData, viewing: Viewing) {
  const { label, triggers, loginRefused, noReading } = ups
  const samples = readings.find((one) => one.label === label)?.samples ?? []
  const identity = identities.get(label)
  return card(
    label,
    html`<p>
        ${upsMode(ups, viewing)}${identity?.model === undefined ? '' : html` <span class="soft">· ${identity.model}</span>`}
      </p>
      ${noReading === undefined ? '' : notice('warning', html`<p>No reading: ${noReading.why}.</p>`)}
      ${loginRefused === undefined ? '' : notice('warning', html`<p>${prose(loginRefused)}.</p>`)}
      ${upsFigures(ups, identity)} ${chart(label, samples, outages, viewing)}
      <details>
        <summary>What starts a shutdown on battery</summary>
        <ul class="plain">
          ${triggers.map(
            ({ text, disarmed }) =>
              html`<li>
                ${disarmed === undefined ? badge('fine', 'armed') : badge('quiet', 'off')}
                ${text}${disarmed === undefined ? '' : html` <span class="soft">(${disarmed})</span>`}
              </li>`,
          )}
        </ul>
      </details>
      ${identity === undefined ? '' : identityView(identity)}`,
    { id: `ups-${label}`, isWide: true, isNamed: true },
  )
}

/** What spans less is a line of no width in a day, in ms. */
const drawnFrom = 5 * 60_000

/** Drawn by a script from the CSV; for whoever sees no drawing there are words, and the CSV is the table. */
function chart(
  label: string,
  samples: UpsReadingsAnswer['samples'],
  outages: readonly Outage[],
  { now }: Viewing,
): Markup {
  const csv = `/power/readings.csv?ups=${encodeURIComponent(label)}`
  const [first, last] = [samples[0], samples.at(-1)].map((sample) => Date.parse(sample?.at ?? ''))
  if (samples.length === 0) return empty('Nothing of the last day is on record yet: a reading a minute is kept.')
  if (last! - first! < drawnFrom) return empty('Too little of the last day is on record yet to draw it.')
  const ranges = rangesOf(samples)
  return html`<figure
    class="chart"
    id="chart-${label}"
    data-readings="${csv}"
    data-marks="${JSON.stringify(outages.filter(isRecent(now)).map((outage) => marksOf(outage, now)))}"
  >
    <div
      role="img"
      aria-label="Charge, load, runtime and input voltage of ${label} over the last 24 hours"
      data-drawing
      data-panels="${panelsOf(samples)}"
    ></div>
    <figcaption class="soft small">
      The last 24 hours${ranges === '' ? '' : `: ${ranges}`}.
      ${outages.some(isRecent(now)) ? 'Outages are marked, with their phases as lines.' : ''}
      <a href="${csv}" download="${label}.csv">As CSV</a>
    </figcaption>
  </figure>`
}

const isRecent =
  (now: Date) =>
  ({ startedAt, endedAt }: Outage) =>
    Date.parse(endedAt ?? now.toISOString()) > now.getTime() - 24 * 3_600_000 && Date.parse(startedAt) <= now.getTime()

/** When it began and ended, and when its phases began, in ms since the epoch. */
function marksOf({ startedAt, endedAt, stoppedAt, wokenAt, nodes }: Outage, now: Date) {
  const sent = Object.values(nodes).flatMap(({ at }) => (at?.['shutdown-sent'] ? [at['shutdown-sent']] : []))
  const phases = [startedAt, sent.toSorted()[0], stoppedAt, wokenAt].filter((at) => at !== undefined)
  return {
    from: Date.parse(startedAt),
    to: Date.parse(endedAt ?? now.toISOString()),
    phases: phases.map((at) => Date.parse(at)),
  }
}

const forms: Readonly<Record<PowerPlanAnswer['form'], string>> = {
  ordered: 'in order',
  compressed: 'in order, in a hurry',
  short: 'everything at once',
}

function planView({ form, reason, leftMs, leftUnknown, needsMs, timeline, unread = [] }: PowerPlanAnswer): Markup {
  // A battery that lasts far longer than it takes would leave nothing to see.
  const longest = Math.max(1, Math.min(Math.max(needsMs, leftMs ?? 0), 2 * needsMs))
  const reserve = needsMs - Math.max(0, ...timeline.map(({ toMs }) => toMs))
  const isShort = leftMs !== null && needsMs > leftMs
  return html`<p>${badge(form === 'ordered' ? 'fine' : 'warning', forms[form])} ${reason}.</p>
    <p class="${isShort ? '' : 'soft'}">It ${describeFit(needsMs, leftMs ?? undefined, reserve, leftUnknown)}.</p>
    ${unread.map(({ label, why, isBlind }) =>
      notice(
        'warning',
        html`<p>${label} does not answer: ${why}. ${isBlind ? 'A power cut is not noticed meanwhile.' : ''}</p>`,
      ),
    )}
    ${table(
      'Phases of a shutdown',
      [
        { title: 'phase', cell: ({ phase }) => english.titleOf(phase) },
        { title: 'when', cell: whenCell },
        { title: 'in time', isSpare: true, cell: (row) => lane(row, longest, leftMs) },
        {
          title: 'what',
          isSpare: true,
          cell: ({ steps }) => html`<span class="soft small">${shortened(steps)}</span>`,
        },
      ],
      timeline,
      'Nothing would be shut down.',
    )}
    ${
      timeline.some(({ reversible }) => !reversible)
        ? html`<p class="soft small">What is final cannot be undone once it has begun.</p>`
        : ''
    }`
}

/** In words too, for whoever sees no bar or no red. */
const whenCell = ({ fromMs, toMs, reversible }: PowerPlanAnswer['timeline'][number]): Markup =>
  html`<span class="soft nowrap">${spanOf(fromMs, toMs)}${reversible ? '' : ', final'}</span>`

function spanOf(from: number, to: number): string {
  const [begins, ends] = [describeDuration(from), describeDuration(to)]
  return begins === ends ? `at ${begins}` : `${begins} – ${ends}`
}

const shortened = (steps: readonly string[]) =>
  steps.length <= 2 ? steps.join(', ') : `${steps[0]} and ${steps.length - 1} more`

/** A phase on the line from the start to the last that the battery gives. */
function lane({ fromMs, toMs, reversible }: PowerPlanAnswer['timeline'][number], longest: number, left: number | null) {
  const at = (ms: number) => (100 * ms) / longest
  return html`<svg class="lane" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="left" x="0" y="4" height="2" width="${Math.min(100, at(left ?? longest))}" />
    <rect
      class="${reversible ? '' : 'final'}"
      x="${at(fromMs)}"
      y="1"
      height="8"
      rx="0.6"
      width="${Math.max(0.8, at(toMs - fromMs))}"
    />
  </svg>`
}

const stateWords: Readonly<Record<Outage['nodes'][string]['state'], readonly [string, string]>> = {
  up: ['up', ''],
  drained: ['drained', 'now'],
  'shutdown-sent': ['shutting down', 'now'],
  unreached: ['could not be reached', 'failed'],
  off: ['off', 'done'],
  abandoned: ['did not shut down in time', 'failed'],
  'wake-sent': ['being woken', 'now'],
  back: ['back', 'done'],
}

function outageView({ startedAt, reason, stage, nodes }: Outage, viewing: Viewing): Markup {
  return html`<p>${stages[stage]}. It began ${ago(startedAt, viewing)} because ${describeReason(reason)}.</p>
    <ol class="steps">
      ${Object.entries(nodes).map(([name, { state, wasUp }]) => {
        const [words, mark] = stateWords[state]
        return html`<li class="${mark}">
          <span class="mark" aria-hidden="true"></span>
          <span
            ><strong>${name}</strong> ${words}${wasUp ? '' : html` <span class="soft">(was off before)</span>`}</span
          >
        </li>`
      })}
    </ol>`
}

/** What can be done now; what stops a power cut stands with its alarm. */
function requestsView(
  { shutdownRequestedAt }: PowerAnswer,
  { isGoing, isOver }: { readonly isGoing: boolean; readonly isOver: boolean },
  viewing: Viewing,
): Markup {
  const isKeptDown = shutdownRequestedAt !== undefined
  return requestButtons(
    [
      { at: '/power/do/rehearse', label: 'Check what a shutdown needs' },
      isOver && isKeptDown ? { at: '/power/do/wake', label: 'Wake everything', isMain: true } : undefined,
      isGoing || isKeptDown
        ? undefined
        : { at: '/power/do/shutdown', label: 'Shut everything down', isDangerous: true },
    ],
    viewing,
  )
}

function outageTable(outages: readonly Outage[], viewing: Viewing): Markup {
  return table(
    'Past outages',
    [
      { title: 'began', cell: ({ startedAt }) => moment(startedAt, viewing) },
      { title: 'because', cell: ({ reason }) => describeReason(reason) },
      { title: 'what came of it', cell: (outage) => (outage.endedAt ? summarize(outage) : stages[outage.stage]) },
      {
        title: 'off at',
        isSpare: true,
        cell: ({ stoppedAt }) =>
          stoppedAt ? html`<span class="nowrap">${describeClock(stoppedAt, viewing.zone)}</span>` : '',
      },
    ],
    outages,
    'No outage is on record.',
  )
}
