import { html } from 'hono/html'
import { type OutageOfNodes, whyAway } from '../../../core/cluster/away.ts'
import { type Node, type SeenCluster, whyUnhealthy } from '../../../core/cluster/cluster.ts'
import { armedRelease, isStagedByUs, nextBootOf } from '../../../core/cluster/next-boot.ts'
import { capitalized } from '../../../core/capitalized.ts'
import { counted } from '../../../core/count.ts'
import { copyable } from '../../../http/markup/copyable.ts'
import { ago } from '../../../http/markup/moments.ts'
import { badge, card, empty, facts, type Markup, notice, pageTitle, prose } from '../../../http/markup/parts.ts'
import { type RequestButton, requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import type { Viewing } from '../../../operations/pages.ts'

/** What the page about nodes shows. */
export interface NodesData {
  readonly cluster: SeenCluster
  readonly target: string | undefined
  /** Nodes that stay behind, and why. */
  readonly leftBehind: readonly string[]
  readonly machines: readonly MachineFacts[]
  /** The power cut that is not over. */
  readonly outage: OutageOfNodes | undefined
}

/** What the configuration says of a machine. */
export interface MachineFacts {
  readonly name: string
  readonly address: string
  /** `node`, `host` or `NAS`. */
  readonly kind: string
  /** What supplies it, in words. */
  readonly feed: string
  /** How it is switched on, in words. */
  readonly wakes: string
}

export function nodesView({ cluster, target, leftBehind, machines, outage }: NodesData, viewing: Viewing): Markup {
  const { nodes, observedAt, kubernetes, workloads } = cluster
  const others = machines.filter(({ kind }) => kind !== 'node')
  const blocking = workloads.ok ? workloads.value.blocking : []
  return html`${pageTitle('Nodes', html`${counted(nodes.length, 'node')}, seen ${ago(observedAt, viewing)}.`)}
    ${kubernetes.ok ? '' : notice('warning', html`<p>${silenceText(kubernetes.error)}.</p>`)}
    ${leftBehind.map((text) => notice('warning', html`<p>${prose(text)}.</p>`))}
    ${nodes.length === 0 ? empty('No node is configured.') : ''}
    <div class="cards">
      ${nodes.map((node) =>
        nodeCard(node, { machine: machines.find(({ name }) => name === node.name), target, outage }, viewing),
      )}
    </div>
    ${
      blocking.length === 0
        ? ''
        : card(
            'Disruption budgets that block a drain',
            html`<ul class="plain">
              ${blocking.map(
                ({ budget, why, pods }) =>
                  html`<li>
                    <strong>${budget}</strong> (${why}):
                    ${pods.map(({ name, node }) => `${name} on ${node}`).join(', ')}
                  </li>`,
              )}
            </ul>`,
            { isWide: true },
          )
    }
    ${others.length === 0 ? '' : card('Other machines', machineTable(others, viewing), { isWide: true })}`
}

/** Most errors begin with who does not answer. */
function silenceText(error: string): string {
  return /^the kubernetes api\b/i.test(error) ? capitalized(error) : `The Kubernetes API does not answer: ${error}`
}

interface Beside {
  readonly machine: MachineFacts | undefined
  readonly target: string | undefined
  readonly outage: OutageOfNodes | undefined
}

function nodeCard(node: Node, { machine, target, outage }: Beside, viewing: Viewing): Markup {
  const { name, role, talos, kubernetes } = node
  const why = whyUnhealthy(node)
  const away = why === undefined ? undefined : whyAway(node, outage)
  const seen = kubernetes.ok ? kubernetes.value : undefined
  const isBehind = talos.ok && target !== undefined && talos.value.version !== target
  return card(
    name,
    html`<p>
        ${badge('quiet', role)} ${healthBadge(why, away)}
        ${seen?.cordon ? badge('busy', `cordoned for ${seen.cordon.why === 'power' ? 'a power cut' : 'an upgrade'}`) : ''}
        ${!seen?.cordon && seen?.unschedulable ? badge('warning', 'cordoned by someone else') : ''}
        ${seen?.paused === undefined ? '' : badge('warning', 'paused')}
      </p>
      ${why === undefined || (away !== undefined && !talos.ok) ? '' : html`<p${away === undefined ? '' : html` class="soft"`}>It ${why}.</p>`}
      ${notesOf(node).map((text) => html`<p>${text}.</p>`)}
      ${facts([
        ['Talos', versionText(node, isBehind ? target : undefined)],
        talos.ok && talos.value.etcd ? ['etcd', etcdText(node)] : undefined,
        machine && ['address', html`<span class="mono">${machine.address}</span>`],
        machine && ['fed by', machine.feed],
      ])}
      ${requestButtons(buttonsFor(node), viewing)} ${moreOf(node, machine, viewing)}`,
    { id: `node-${name}`, isNamed: true },
  )
}

/** What we do to a node is no fault of it. */
function healthBadge(why: string | undefined, away: string | undefined): Markup {
  if (why === undefined) return badge('fine', 'ready')
  return away === undefined ? badge('critical', 'unhealthy') : badge('busy', away.replace(/^is /, ''))
}

function versionText({ talos }: Node, target: string | undefined): unknown {
  if (!talos.ok) return html`<span class="soft">${talos.error}</span>`
  return html`<span class="mono">${talos.value.version}</span>${
      target === undefined ? '' : html` <span class="soft">→ <span class="mono">${target}</span></span>`
    }`
}

function etcdText({ talos }: Node): string {
  const etcd = talos.ok ? talos.value.etcd : undefined
  if (!etcd) return ''
  if (!etcd.ok) return etcd.error
  const { id, leader, learner, alarms, dbSize, members } = etcd.value
  const place = leader === id ? 'leader' : learner ? 'learner' : 'member'
  const size = `${(dbSize / 1e6).toFixed(1)} MB`
  return [`${place} of ${members.length}`, size, ...alarms].join(', ')
}

function notesOf(node: Node): readonly string[] {
  const { kubernetes, role, configuredRole } = node
  const seen = kubernetes.ok ? kubernetes.value : undefined
  const next = nextBootOf(node)
  const boots = next.kind === 'another' ? (next.entry ?? armedRelease(node) ?? 'another release') : undefined
  return [
    ...(seen?.paused === undefined ? [] : [`paused: ${seen.paused}`]),
    ...(role === configuredRole ? [] : [`configured as a ${configuredRole}, but runs as a ${role}`]),
    ...(boots === undefined ? [] : [`armed${isStagedByUs(node) ? ' on purpose' : ''}: the next boot starts ${boots}`]),
    ...(seen?.attempts?.failure === undefined
      ? []
      : [`attempt ${seen.attempts.count} at ${seen.attempts.release} failed: ${seen.attempts.failure}`]),
  ]
}

function buttonsFor({ name, kubernetes }: Node): readonly (RequestButton | undefined)[] {
  const seen = kubernetes.ok ? kubernetes.value : undefined
  const common = { given: { node: name }, about: name }
  return [
    seen?.paused === undefined
      ? { at: '/nodes/do/pause', label: 'Pause upgrades', ...common }
      : { at: '/nodes/do/resume', label: 'Resume upgrades', ...common },
    seen?.attempts?.failure === undefined ? undefined : { at: '/nodes/do/retry', label: 'Try again', ...common },
  ]
}

/** What is seldom wanted, or only where a node is away. */
function moreOf(node: Node, machine: MachineFacts | undefined, viewing: Viewing): Markup {
  const { name } = node
  const mayRequest = viewing.scope !== 'read' && viewing.scope !== undefined
  const buttons: readonly RequestButton[] = [
    { at: '/power/do/wake', label: 'Wake', given: { machine: name }, about: name },
    { at: '/nodes/do/rollback', label: 'Roll back', isDangerous: true, given: { node: name }, about: name },
  ]
  return html`<details>
    <summary>More<span class="unseen"> about ${name}</span></summary>
    ${facts([...imageFacts(node), machine && ['woken by', machine.wakes]])}
    ${mayRequest ? requestButtons(buttons, viewing) : ''}
  </details>`
}

/** What its image was built with, as far as the node tells. */
function imageFacts({ talos }: Node): readonly (readonly [name: string, value: unknown])[] {
  if (!talos.ok) return []
  const { schematic, extensions = [] } = talos.value
  return [
    ...(schematic === undefined
      ? []
      : [['schematic', copyable(schematic, { shown: schematic.slice(0, 12), what: 'the schematic' })] as const]),
    ...(extensions.length === 0 ? [] : [['extensions', extensions.join(', ')] as const]),
  ]
}

function machineTable(machines: readonly MachineFacts[], viewing: Viewing): Markup {
  return table(
    'Other machines',
    [
      { title: 'machine', cell: ({ name }) => name },
      { title: 'kind', cell: ({ kind }) => kind },
      { title: 'address', cell: ({ address }) => html`<span class="mono">${address}</span>` },
      { title: 'fed by', cell: ({ feed }) => feed },
      { title: 'woken by', cell: ({ wakes }) => wakes },
      {
        title: 'request',
        isUntitled: true,
        cell: ({ name }) =>
          requestButtons([{ at: '/power/do/wake', label: 'Wake', given: { machine: name }, about: name }], viewing),
      },
    ],
    machines,
  )
}
