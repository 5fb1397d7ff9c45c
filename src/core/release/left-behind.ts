import type { Cluster, Node } from '../cluster/cluster.ts'
import { setAside } from '../upgrade/gates.ts'
import { isNewer, isOfficial, lineOf } from '../version.ts'

/** A node that stays at what it runs while the others continue. */
export interface LeftBehind {
  readonly node: string
  /** What it runs, `v1.12.3`; it need not be an official release. */
  readonly version: string
  /** Why it stays and how that ends, to follow its name: `w-1 is paused (…): …`. */
  readonly why: string
}

/** Who continues, by the releases that they run, and who stays behind. */
export interface Movement {
  readonly running: readonly string[]
  readonly left: readonly LeftBehind[]
}

/**
 * Which nodes count for the choice of a release. Left behind are nodes that a person has paused, the machine that this
 * agent runs on, and nodes whose release is not an official one. Where all are set aside, all
 * count as usual. Nodes that don't answer never count.
 */
export function movementOf({ nodes }: Pick<Cluster, 'nodes'>, ownNode: string | undefined): Movement {
  const found = nodes.flatMap((node) => (node.talos.ok ? [{ node, version: node.talos.value.version }] : []))
  const unofficial = found.filter(({ version }) => !isOfficial(version))
  const official = found.filter(({ version }) => isOfficial(version))
  const aside = official.flatMap(({ node, version }) => {
    const why = stays(node, ownNode)
    return why === undefined ? [] : [{ node: node.name, version, why }]
  })
  const allStay = aside.length === official.length
  const asideNames = new Set(allStay ? [] : aside.map(({ node }) => node))
  return {
    running: official.flatMap(({ node, version }) => (asideNames.has(node.name) ? [] : [version])),
    left: [...(allStay ? [] : aside), ...unofficial.map(({ node, version }) => ofNoRelease(node, version))],
  }
}

/**
 * What a person should know besides the decision, a sentence a node. A node that is set aside and has what the
 * others have, or are to get, is not behind.
 */
export function describeLeftBehind({ running, left }: Movement, target: string | undefined): readonly string[] {
  const ahead = [...running, ...(target === undefined ? [] : [target])]
  return left.flatMap(({ version, why }) => {
    if (!isOfficial(version)) return [why]
    if (!ahead.some((one) => isNewer(one, version))) return []
    const line = lineOf(version)!
    return [
      `${why}; it stays at ${version}, and the others are upgraded without it, up to ${line.major}.${line.minor + 1}`,
    ]
  })
}

/**
 * Why the nodes that stay keep the others from this release: Talos tests clusters of adjacent minor versions, and an etcd
 * member or a kubelet that stays behind must still get on with the others (docs.siderolabs.com, Upgrading Talos Linux).
 * Going to a line that runs already makes the cluster no wider than it is.
 */
export function leftBehindObstacle({ running, left }: Movement, version: string): string | undefined {
  const isAhead = (one: string, steps: number) => {
    const [target, line] = [lineOf(version), lineOf(one)]
    return target && line && (target.major !== line.major || target.minor > line.minor + steps)
  }
  const byLine = (a: LeftBehind, b: LeftBehind) => lineOf(a.version)!.minor - lineOf(b.version)!.minor
  const [holds] = left.filter((one) => isAhead(one.version, 1)).toSorted(byLine)
  const runsAlready = running.some((one) => isAhead(one, 0) === false)
  if (!holds || runsAlready) return undefined
  const line = lineOf(holds.version)!
  return `${holds.node} stays at ${holds.version}, so the others stop at ${line.major}.${line.minor + 1}: ${holds.why}`
}

/** None is left alone for a time, and so the moment does not matter. */
const [noneBlocked, anyMoment] = [new Map<never, never>(), new Date(0)]

function stays(node: Node, ownNode: string | undefined): string | undefined {
  return setAside(node, { ownNode, blocked: noneBlocked, now: anyMoment })?.reason
}

function ofNoRelease({ name }: Node, version: string): LeftBehind {
  return { node: name, version, why: `${name} runs ${version}, which is not an official release: it is left alone` }
}
