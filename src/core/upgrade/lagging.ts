import { agreeing, listed } from '../count.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type Abort, describeAbort } from './abort.ts'
import { isNewer, isOfficial } from '../version.ts'
import type { Rollout } from './record.ts'

export interface LaggingSituation {
  /** Releases whose rollouts a person has aborted. */
  readonly aborted: readonly Abort[]
  /** Newest first; asked for where a node lags behind. */
  rollouts(): readonly Rollout[]
  /** Names of nodes of which it is said already why they stay. */
  readonly explained: ReadonlySet<string>
}

/**
 * Nodes that stay at an older release because the rollout of a newer one was aborted, by a person or by a rollback: a
 * sentence for each release that they run. Where the rollout goes on, what it waits for says why they are behind.
 *
 * @param coming the release that would be next, whether it still soaks or not
 */
export function describeLagging(
  { nodes }: Pick<Cluster, 'nodes'>,
  coming: string | undefined,
  { aborted, rollouts, explained }: LaggingSituation,
): readonly string[] {
  if (aborted.length === 0) return []
  const found = nodes.flatMap(({ name, talos }) =>
    talos.ok && isOfficial(talos.value.version) ? [{ name, version: talos.value.version }] : [],
  )
  const others = [...found.map(({ version }) => version), ...(coming === undefined ? [] : [coming])]
  const lagging = found.flatMap(({ name, version }) => {
    const abort = aborted.findLast(({ release }) => isNewer(release, version) && others.includes(release))
    return abort === undefined || explained.has(name) ? [] : [{ name, version, abort }]
  })
  if (lagging.length === 0) return []
  const past = rollouts()
  const groups = Map.groupBy(lagging, ({ name, version, abort: { release } }) =>
    [version, release, wentBack(past, name, release) ? 'back' : ''].join(' '),
  )
  return [...groups.values()].map((group) => {
    const [{ name, version, abort }] = group as [(typeof group)[0]]
    const names = group.map((one) => one.name)
    const back = wentBack(past, name, abort.release) ? `${agreeing(names, 'was', 'were')} rolled back, and ` : ''
    return `${listed(names)} ${back}${agreeing(names, 'stays', 'stay')} at ${version}, because ${describeAbort(abort)}`
  })
}

function wentBack(rollouts: readonly Rollout[], name: string, release: string): boolean {
  const record = rollouts.find((one) => one.release === release && Object.hasOwn(one.nodes, name))
  return record?.nodes[name]?.outcome === 'rolled-back'
}
