import { html } from 'hono/html'
import { type Alert, headOf } from '../../../core/alert.ts'
import { whyAway } from '../../../core/cluster/away.ts'
import { whyUnhealthy } from '../../../core/cluster/cluster.ts'
import { counted } from '../../../core/count.ts'
import { capitalized } from '../../../core/capitalized.ts'
import type { Entry } from '../../../core/journal.ts'
import { describeBetweenSteps } from '../../../core/lease.ts'
import type { StatusAnswer } from '../../../core/operator.ts'
import type { Countdown } from '../../../core/power/countdown.ts'
import type { WindowState } from '../../../core/upgrade/window.ts'
import { entryList } from '../../../http/markup/entries.ts'
import { ago, moment, since } from '../../../http/markup/moments.ts'
import { badge, card, empty, facts, type Markup, names, prose } from '../../../http/markup/parts.ts'
import { alarmView, upsFigures, upsMode } from '../../../http/markup/power.ts'
import { type RequestButton, requestButtons } from '../../../http/markup/requests.ts'
import type { Viewing } from '../../../operations/pages.ts'
import { verdictLine } from '../frame.ts'
import { judge } from '../verdict.ts'
import { type RolloutProgress, rolloutView } from './rollout.ts'

export interface Overview {
  readonly status: StatusAnswer
  readonly alerts: readonly Alert[]
  /** Undefined where nodes are never touched. */
  readonly window: WindowState | undefined
  readonly countdown: Countdown | undefined
  /** The rollout that is under way. */
  readonly rollout: RolloutProgress | undefined
  readonly lately: readonly Entry[]
}

export function overviewView(overview: Overview, viewing: Viewing): Markup {
  const { status, alerts, countdown, lately } = overview
  const verdict = judge(status)
  const about = alerts.find(({ id }) => id === 'power.failed')
  const alarm = alarmView(
    { power: status.power, outage: status.outage, countdown, text: verdict.text, details: about?.text },
    viewing,
  )
  // The alarm says what that alert says.
  const others = alarm ? alerts.filter((alert) => alert !== about) : alerts
  const [urgent, notes] = [others.filter(isUrgent), others.filter((alert) => !isUrgent(alert))]
  return html`${
      alarm
        ? html`<h1 class="unseen">${verdict.text}</h1>
            ${alarm}`
        : verdictLine(verdict, true)
    }
    ${urgent.length === 0 ? '' : card('Open alerts', alertList(urgent, viewing), { id: 'alerts' })}
    <div class="cards">
      ${card('Now and next', html`${rolloutView(overview.rollout)} ${nowView(status, viewing)} ${nextView(overview, viewing)}`, { id: 'next' })}
      ${status.cluster.nodes.length === 0 ? '' : card('Nodes', nodesView(status, viewing))}
      ${card('Power', powerView(status, viewing))}
    </div>
    ${notes.length === 0 ? '' : card('Good to know', alertList(notes, viewing), { id: 'notes' })}
    ${card(
      'The last 24 hours',
      html`${entryList(lately.map(inBrief), viewing, 'Nothing happened: a quiet day.')}
        <p class="small"><a href="/journal">The whole journal</a></p>`,
      { id: 'lately' },
    )}`
}

const isUrgent = ({ severity }: Alert) => severity !== 'info'

/** What an alert says at length stands where it is open, and in the journal. */
function inBrief(entry: Entry): Entry {
  return entry.kind === 'alert' && entry.text.length > longest ? { ...entry, text: headOf(entry) } : entry
}

/** Of an alert among what happened lately, in letters. */
const longest = 140

function alertList(alerts: readonly Alert[], viewing: Viewing): Markup {
  return html`<ul class="alerts">
    ${alerts.map((alert) => {
      const { severity, subject, text, action, since: at } = alert
      const head = headOf(alert)
      return html`<li class="${severity}">
        <p><strong>${head.startsWith(subject) ? head : capitalized(head)}</strong>${prose(text.slice(head.length))}</p>
        ${action === undefined ? '' : html`<p>${prose(action)}.</p>`}
        <p class="soft small">${badge(tones[severity], severity)} <bdi>${subject}</bdi>, ${ago(at, viewing)}</p>
        ${requestButtons(offersOf(alert), viewing)}
      </li>`
    })}
  </ul>`
}

const tones = { critical: 'critical', warning: 'warning', info: 'quiet' } as const

/** What an alert offers, by the request that does it. */
function offersOf({ offers = [] }: Alert): readonly RequestButton[] {
  return offers.flatMap(({ do: name, subject }): RequestButton[] => {
    switch (name) {
      case 'approve':
        return [{ at: '/rollout/do/approve', label: `Approve ${subject}`, given: { version: subject }, isMain: true }]
      case 'pause':
        return [{ at: '/rollout/do/pause', label: 'Pause rollouts' }]
      case 'cancel':
        return [{ at: '/power/do/cancel', label: 'Cancel the shutdown', isDangerous: true }]
      case 'wake':
        return [{ at: '/power/do/wake', label: 'Wake everything now' }]
      case 'admit':
        return [
          {
            at: '/machines/do/approve',
            label: 'Approve as worker',
            given: { machine: subject, role: 'worker' },
            needs: 'admin',
            isMain: true,
          },
        ]
      case 'turn-away':
        return [{ at: '/machines/do/reject', label: 'Reject', given: { machine: subject } }]
      default:
        return name satisfies never
    }
  })
}

function nowView(status: StatusAnswer, viewing: Viewing) {
  const { activities, leaseHolder, waiting, paused, missing, services } = status
  const down = services.filter(({ state }) => state === 'down')
  const between = describeBetweenSteps(leaseHolder)
  return html`${
    activities.length === 0
      ? empty(between === undefined ? idleText(status) : `Between two steps of ${between}.`)
      : html`<ul class="plain">
          ${activities.map(
            ({ step, since: at, hint, progress }) =>
              html`<li>
                <strong>${step}</strong> <span class="soft">for ${since(at, viewing)}</span>
                ${hint === undefined ? '' : html`<br /><span class="soft small">${hint}</span>`}
                ${
                  progress?.totalBytes === undefined
                    ? ''
                    : html`<progress
                        value="${progress.doneBytes}"
                        max="${progress.totalBytes}"
                        aria-label="${step}"
                      ></progress>`
                }
              </li>`,
          )}
        </ul>`
  }
  ${facts([
    waiting === undefined ? undefined : ['upgrade waits', prose(waiting)],
    paused && ['paused', `${paused.reason}${paused.by === undefined ? '' : `, by ${paused.by}`}`],
    ...down.map(({ name, text }) => [`${name} is down`, text ?? 'no reason given'] as const),
    ...missing.map((text) => ['missing', prose(text)] as const),
  ])}`
}

/** Nobody is idle while the power is failing. */
function idleText({ power: { upses }, outage }: StatusAnswer): string {
  const isCalm = upses.every(({ state }) => state.mode === 'on-mains') && (!outage || outage.stage === 'over')
  return isCalm ? 'Idle: nothing to do.' : 'Nothing is under way.'
}

function nextView({ status: { news, target, published, leftBehind }, window }: Overview, viewing: Viewing): Markup {
  const behind = leftBehind.filter((text) => !news?.includes(text))
  return html`${facts([
      ['release', prose(news ?? (target === undefined ? 'not looked at yet' : `upgrading to ${target}`))],
      ['window', windowText(window, viewing)],
      [
        'netboot image',
        published
          ? html`<span class="mono">${published.version}</span>, ${ago(published.stagedAt, viewing)}`
          : 'none yet',
      ],
      ...behind.map((text) => ['behind', text] as const),
    ])}
    <p class="small"><a href="/rollout">The rollout</a> · <a href="/releases">Releases</a></p>`
}

function windowText(window: WindowState | undefined, viewing: Viewing): unknown {
  if (window === undefined) return 'none: upgrade.enabled is false, and no node is touched'
  if (!window.open) return html`opens ${moment(window.opensAt, viewing)}`
  return window.closesAt === undefined ? 'always open' : html`open until ${moment(window.closesAt, viewing)}`
}

function powerView({ power: { upses } }: StatusAnswer, viewing: Viewing): Markup {
  if (upses.length === 0) return empty('No UPS is configured: power cuts are not noticed.')
  return html`${upses.map(
      (ups) =>
        html`<h3>${ups.label} ${upsMode(ups, viewing)}</h3>
          ${upsFigures(ups)}`,
    )}
    <p class="small"><a href="/power">History, and what a shutdown would do</a></p>`
}

/** `w-1`: is being upgraded; `5 nodes`: are shut down because of the power cut. */
function awayRow(why: string, own: readonly { readonly name: string }[]): readonly [string, string] {
  return own.length === 1 ? [own[0]!.name, why] : [counted(own.length, 'node'), why.replace(/^is /, 'are ')]
}

/** So many nodes of one release are named; of more the overview shows the number, and their page the names. */
const named = 8

function nodesView({ cluster: { nodes, observedAt, kubernetes }, outage }: StatusAnswer, viewing: Viewing): Markup {
  const versions = Map.groupBy(nodes, ({ talos }) => (talos.ok ? talos.value.version : 'not answering'))
  const ill = nodes.flatMap((node) => {
    const why = whyUnhealthy(node)
    return why === undefined ? [] : [{ name: node.name, away: whyAway(node, outage), why }]
  })
  // Those that we have taken away share their reason.
  const away = Map.groupBy(
    ill.filter((one) => one.away !== undefined),
    (one) => one.away!,
  )
  return html`<p class="big">${nodes.length - ill.length}<small> of ${counted(nodes.length, 'node')} ready</small></p>
    ${facts([
      ...[...versions].map(
        ([version, own]) =>
          [
            html`<span class="mono">${version}</span>`,
            own.length > named ? counted(own.length, 'node') : names(own.map(({ name }) => name)),
          ] as const,
      ),
      kubernetes.ok ? ['Kubernetes', kubernetes.value] : ['Kubernetes', kubernetes.error],
      ...[...away].map(([why, own]) => awayRow(why, own)),
      ...ill.filter((one) => one.away === undefined).map(({ name, why }) => [name, html`<span>${why}</span>`] as const),
    ])}
    <p class="small"><a href="/nodes">All nodes</a> · seen ${ago(observedAt, viewing)}</p>`
}
