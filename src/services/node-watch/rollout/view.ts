import { html } from 'hono/html'
import type { Activity } from '../../../core/activity.ts'
import { describeDuration } from '../../../core/duration.ts'
import type { PlanAnswer, RolloutAnswer } from '../../../core/operator.ts'
import type { PhaseId } from '../../../core/phase-id.ts'
import type { Rollout, RolloutNode } from '../../../core/upgrade/record.ts'
import { english } from '../../../core/wording.ts'
import { ago, countdown, moment, since } from '../../../http/markup/moments.ts'
import {
  badge,
  card,
  facts,
  type Markup,
  names,
  notice,
  pageTitle,
  prose,
  sentenceOf,
  type Tone,
} from '../../../http/markup/parts.ts'
import { type RequestButton, requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import type { Viewing } from '../../../operations/pages.ts'

/** What the page about rollouts shows. */
export interface RolloutData {
  readonly answer: RolloutAnswer
  /** The steps that are being carried out. */
  readonly activities: readonly Activity[]
  /** Those that have ended, newest first. */
  readonly past: readonly Rollout[]
}

export function rolloutView({ answer, activities, past }: RolloutData, viewing: Viewing): Markup {
  const { plan, current, paused } = answer
  const isSaidBelow = plan.decision.kind === 'wait' && plan.decision.reason === plan.release.reason
  return html`${pageTitle('Rollout', isSaidBelow ? '' : releaseText(plan))}
    ${
      paused === undefined
        ? ''
        : notice(
            'warning',
            html`<p>
              Rollouts are
              paused${paused.since === undefined ? '' : html` since ${moment(paused.since, viewing)}`}${
                paused.by === undefined ? '' : ` by ${paused.by}`
              }:
              ${paused.reason}.
            </p>`,
          )
    }
    ${decisionView(plan, viewing)} ${requestButtons(buttonsFor(answer), viewing)}
    <div class="cards">
      ${current === undefined ? '' : card(`To ${current.release}`, currentView({ answer, current, activities }, viewing), { id: 'current' })}
      ${card('The plan', askedView(answer, viewing), { id: 'asked' })}
      ${plan.decision.kind === 'go' ? card('The next run', planView(plan), { id: 'next-run' }) : ''}
    </div>
    ${card('Past rollouts', pastView(past, viewing), { isWide: true })}`
}

function releaseText({ release }: PlanAnswer): unknown {
  if (release.kind === 'current') return html`${prose(sentenceOf(release.reason))}.`
  return html`<span class="mono">${release.version}</span>: ${prose(release.reason)}.`
}

/** What it waits for, the first thing that whoever looks wants to know. */
function decisionView({ decision, release, held, warnings, version }: PlanAnswer, viewing: Viewing): Markup {
  const until = decision.kind === 'wait' ? decision.until : release.kind === 'wait' ? release.until : undefined
  const end = until === undefined ? '' : html` In ${countdown(until, viewing)} (${moment(until, viewing)}).`
  const notes = [...held, ...warnings].map((text) => html`<p>${prose(text)}.</p>`)
  switch (decision.kind) {
    case 'upgraded':
      return notice(
        held.length > 0 || release.kind === 'wait' ? 'warning' : 'fine',
        html`<p>
            ${release.kind === 'wait' ? 'Waiting for this release.' : 'Every node runs the release that it should.'}${end}
          </p>
          ${notes}`,
      )
    case 'wait':
      return notice(
        'warning',
        html`<p>Waiting: ${prose(decision.reason)}.${end}</p>
          ${notes}`,
      )
    case 'stuck':
      return notice(
        'critical',
        html`<p>Stuck at ${decision.node}: ${prose(decision.reason)}.</p>
          ${notes}`,
      )
    case 'go':
      return notice(
        'busy',
        html`<p>Upgrading${version === undefined ? '' : ` to ${version}`}.</p>
          ${notes}`,
      )
    default:
      return decision satisfies never
  }
}

function buttonsFor({ plan, paused, current, aborted }: RolloutAnswer): readonly (RequestButton | undefined)[] {
  const { version, toApprove } = plan
  const coming = current?.release ?? version
  const given = coming === undefined ? {} : { version: coming }
  const hasWork = current !== undefined || plan.order.length > 0
  return [
    toApprove.length === 0
      ? undefined
      : {
          at: '/rollout/do/approve',
          label: `Approve ${version ?? ''}`.trim(),
          given: version ? { version } : {},
          isMain: true,
        },
    paused ? { at: '/rollout/do/resume', label: 'Resume', isMain: true } : { at: '/rollout/do/pause', label: 'Pause' },
    hasWork ? { at: '/rollout/do/window', label: 'Open a window now' } : undefined,
    aborted.length > 0 ? { at: '/rollout/do/start', label: 'Go on after the abort' } : undefined,
    hasWork && coming !== undefined ? { at: '/rollout/do/abort', label: 'Abort', given, isDangerous: true } : undefined,
  ]
}

interface Current {
  readonly answer: RolloutAnswer
  readonly current: Rollout
  readonly activities: readonly Activity[]
}

const outcomes: Readonly<Record<NonNullable<RolloutNode['outcome']>, readonly [mark: string, words: string]>> = {
  upgraded: ['done', 'upgraded'],
  failed: ['failed', 'failed'],
  released: ['', 'uncordoned unchanged'],
  'rolled-back': ['failed', 'rolled back'],
}

/** The nodes that are done, the one that is under way with its steps, and those to come. */
function currentView({ answer: { plan }, current, activities }: Current, viewing: Viewing): Markup {
  const started = Object.entries(current.nodes)
  const coming = plan.order.filter(
    (name) => current.nodes[name]?.outcome !== 'upgraded' && !isUnderWay(current.nodes[name]),
  )
  return html`<p class="soft">
      Started
      ${ago(current.startedAt, viewing)}${plan.takesMs > 0 ? `; about ${describeDuration(plan.takesMs)} to go` : ''}.
    </p>
    <ol class="steps">
      ${started.map(([name, node]) => nodeStep(name, node, activities, viewing))}
      ${coming
        .filter((name) => current.nodes[name] === undefined)
        .map(
          (name) =>
            html`<li>
              <span class="mark" aria-hidden="true"></span
              ><span><strong>${name}</strong> <span class="soft">to come</span></span>
            </li>`,
        )}
    </ol>`
}

const isUnderWay = (node: RolloutNode | undefined) => node !== undefined && node.outcome === undefined

function nodeStep(name: string, node: RolloutNode, activities: readonly Activity[], viewing: Viewing): Markup {
  const [mark, words] = node.outcome === undefined ? ['now', 'under way'] : outcomes[node.outcome]
  const steps = node.outcome === undefined ? activities : []
  return html`<li class="${mark}">
    <span class="mark" aria-hidden="true"></span>
    <div>
      <strong>${name}</strong> ${words}
      <span class="soft">
        from <span class="mono">${node.from}</span>${
          node.tookMs === undefined
            ? html`, for ${since(node.startedAt, viewing)}`
            : `, in ${describeDuration(node.tookMs)}`
        }
      </span>
      ${steps.map(
        ({ step, since: at, hint }) =>
          html`<p>
            ${step} <span class="soft">for ${since(at, viewing)}${hint === undefined ? '' : `: ${hint}`}</span>
          </p>`,
      )}
      ${phaseBar(node)} ${node.failures.length === 0 ? '' : html`<p class="soft">${node.failures.at(-1)}</p>`}
    </div>
  </li>`
}

/** How long each phase took, side by side; the words say the same. */
function phaseBar({ phases }: RolloutNode): Markup {
  const told = (Object.entries(phases) as [PhaseId, number][]).filter(([, ms]) => ms >= 1_000)
  if (told.length === 0) return html``
  return html`<p class="soft small">
    ${told.map(
      ([id, ms], index) =>
        html`${index === 0 ? '' : ' · '}<span class="whole">${english.titleOf(id)} ${describeDuration(ms)}</span>`,
    )}
  </p>`
}

function askedView({ approved, aborted, openUntil, snapshot, plan }: RolloutAnswer, viewing: Viewing): Markup {
  return facts([
    ['order', plan.order.length === 0 ? 'no node is left to upgrade' : names(plan.order)],
    plan.takesMs > 0 ? ['takes', `about ${describeDuration(plan.takesMs)}`] : undefined,
    ['approved', approved ?? 'nothing'],
    openUntil === undefined ? undefined : ['window', html`open until ${moment(openUntil, viewing)}, by request`],
    ...aborted.map(
      ({ release, by, at }) =>
        [
          'aborted',
          html`<span class="mono">${release}</span
            >${by === undefined ? '' : ` by ${by}`}${at === undefined ? '' : html`, ${ago(at, viewing)}`}`,
        ] as const,
    ),
    [
      'etcd snapshot',
      snapshot
        ? html`${ago(snapshot.at, viewing)} on ${snapshot.node}, ${(snapshot.bytes / 1e6).toFixed(1)} MB`
        : 'none yet',
    ],
  ])
}

function planView({ decision }: PlanAnswer): Markup {
  if (decision.kind !== 'go') return html``
  return html`${decision.nodes.map(
    ({ node, reason, plan }) =>
      html`<h3>${node}</h3>
        <p class="soft">because ${reason}</p>
        <ol class="steps">
          ${plan.map(
            ({ id, steps }) =>
              html`<li>
                <span class="mark" aria-hidden="true"></span>
                <span
                  >${english.titleOf(id)}
                  <span class="soft small">${steps.map(english.describeStep).join(', ')}</span></span
                >
              </li>`,
          )}
        </ol>`,
  )}`
}

const ends: Readonly<Record<NonNullable<Rollout['outcome']>, Tone>> = {
  done: 'fine',
  aborted: 'warning',
  superseded: 'quiet',
}

function pastView(past: readonly Rollout[], viewing: Viewing): Markup {
  return table(
    'Past rollouts',
    [
      { title: 'release', cell: ({ release }) => html`<span class="mono">${release}</span>` },
      { title: 'began', cell: ({ startedAt }) => moment(startedAt, viewing) },
      { title: 'outcome', cell: ({ outcome }) => (outcome ? badge(ends[outcome], outcome) : '') },
      {
        title: 'took',
        isFigure: true,
        cell: ({ startedAt, endedAt = startedAt }) => describeDuration(Date.parse(endedAt) - Date.parse(startedAt)),
      },
      {
        title: 'nodes',
        cell: ({ nodes }) =>
          Object.entries(nodes)
            .map(([name, node]) => nodeWords(name, node))
            .join(', '),
      },
    ],
    past,
    'No rollout is on record yet.',
  )
}

function nodeWords(name: string, { outcome, tookMs, failures }: RolloutNode): string {
  const took = tookMs === undefined ? '' : ` ${describeDuration(tookMs)}`
  const how = outcome === 'upgraded' || outcome === undefined ? '' : ` ${outcomes[outcome][1]}`
  return `${name}${took}${how}${failures.length === 0 ? '' : ` (${failures.length} failed)`}`
}
