import { html } from 'hono/html'
import { counted } from '../../../core/count.ts'
import { describeDuration } from '../../../core/duration.ts'
import type { Operator, StatusAnswer } from '../../../core/operator.ts'
import { nodeTimes, type Rollout } from '../../../core/upgrade/record.ts'
import { type Markup, nothing } from '../../../http/markup/parts.ts'

/** How far the rollout is that is under way. */
export interface RolloutProgress {
  readonly release: string
  /** How many nodes run the release, of how many there are. */
  readonly done: number
  readonly total: number
  /** How long the others take, in ms, by what nodes took before; undefined where none of their role was upgraded yet. */
  readonly leftMs: number | undefined
}

/** So many rollouts say how long nodes take. */
const remembered = 10

/** Undefined where none is under way: then one record is read, and no others. */
export function rolloutOf(
  { rollouts }: Pick<Operator, 'rollouts'>,
  { cluster: { nodes } }: Pick<StatusAnswer, 'cluster'>,
  now: Date,
): RolloutProgress | undefined {
  const [newest] = rollouts.history({ limit: 1 }).items
  if (!newest || newest.endedAt !== undefined || nodes.length === 0) return undefined
  const { release } = newest
  const others = nodes.filter(({ talos }) => !talos.ok || talos.value.version !== release)
  const past = rollouts.history({ limit: remembered }).items
  const times = others.map(({ name, role }) => {
    const typical = nodeTimes(past, role)?.typical
    return typical === undefined ? undefined : Math.max(0, typical - passed(newest, name, now))
  })
  const known = times.filter((ms) => ms !== undefined)
  const leftMs = known.length < times.length ? undefined : known.reduce((sum, ms) => sum + ms, 0)
  return { release, done: nodes.length - others.length, total: nodes.length, leftMs }
}

/** How long a node has been in its upgrade, in ms. */
function passed({ nodes }: Rollout, name: string, now: Date): number {
  const node = Object.hasOwn(nodes, name) ? nodes[name] : undefined
  if (!node || node.endedAt !== undefined) return 0
  return Math.max(0, now.getTime() - Date.parse(node.startedAt))
}

export function rolloutView(progress: RolloutProgress | undefined): Markup {
  if (!progress) return nothing
  const { release, done, total, leftMs } = progress
  const left = leftMs === undefined || leftMs === 0 ? '' : `, about ${describeDuration(leftMs)} to go`
  return html`<div>
    <p>
      <strong class="mono">${release}</strong> runs on ${done} of ${counted(total, 'node')}<span class="soft"
        >${left}</span
      >
    </p>
    <progress value="${done}" max="${total}" aria-label="Rollout of ${release}"></progress>
  </div>`
}
