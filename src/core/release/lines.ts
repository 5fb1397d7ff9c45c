import { firstLineFor, hostMismatch, isKnownLine, kubernetesMismatch } from './compatibility.ts'
import { type LeftBehind, leftBehindObstacle } from './left-behind.ts'
import { allows, exclusionOf, type ReleasePolicy, withdrawnReason } from './policy.ts'
import { compareVersions, isNewer, minorOf, parseVersion } from '../version.ts'

export interface ReleaseView {
  /** What the Factory offers. */
  readonly available: readonly string[]
  /** What the Factory marks as withdrawn: no node is upgraded to it. */
  readonly withdrawn?: readonly string[]
  /**
   * Releases that were decided on and are on neither list any more: no node starts them, and nothing older of their line
   * takes their place.
   */
  readonly vanished?: readonly string[]
  /** What the nodes run that can continue. Nodes that did not answer are left out. */
  readonly running: readonly string[]
  /** Nodes that stay where they are. */
  readonly leftBehind?: readonly LeftBehind[]
  /** When each release was first seen, in ms since the epoch. */
  readonly firstSeen: ReadonlyMap<string, number>
  /** The release of a rollout that has started: it is finished, not overtaken by a newer one. */
  readonly underWay: string | undefined
  /** Undefined where Kubernetes did not answer. */
  readonly kubernetes: string | undefined
  readonly now: number
  /** Why it is unknown how long releases have soaked: the clock is not to be believed. */
  readonly clockFault?: string | undefined
}

/** What the choice of a step goes by: the oldest release that runs, and everything around it. */
export interface Situation {
  readonly oldest: string
  readonly view: ReleaseView
  readonly policy: ReleasePolicy
}

/** One minor version that the way could lead to. */
export interface Line {
  /** The newest that the policy allows, offered or vanished. */
  readonly newest: string
  /** Releases that may be upgraded to, newest first. */
  readonly offered: readonly string[]
  /** Set where the newest has vanished from the Factory's list. */
  readonly vanished: string | undefined
}

/** So many minor versions that are missing in a row are named one by one. */
const mostGaps = 10

/** The minor versions ahead of what runs, nearest first: its own, where there is a newer patch, and those after it. */
export function linesAhead({ oldest, view, policy }: Situation): readonly Line[] {
  const { available, withdrawn = [], vanished = [] } = view
  const gone = new Set(withdrawn)
  const offered = new Set(available.filter((version) => !gone.has(version)))
  const ahead = [...new Set([...offered, ...vanished])]
    .filter((version) => isNewer(version, oldest) && allows(policy, version))
    .toSorted(compareVersions)
    .toReversed()
  const lines = Map.groupBy(ahead, minorOf)
  return [...lines.values()].toReversed().map(([newest = '', ...older]) => ({
    newest,
    offered: [newest, ...older].filter((version) => offered.has(version)),
    vanished: offered.has(newest) ? undefined : newest,
  }))
}

/**
 * Why no node may go from the oldest release to this one, whatever the policy says. It is the same for all of one line.
 * A jump over a minor version is taken only where its installer is known to allow it.
 */
export function blockOf(version: string, { oldest, view }: Situation): string | undefined {
  const [to, from] = [parseVersion(version)!, parseVersion(oldest)!]
  if (to.major !== from.major) return `${version} is another major version: Caretaker does not upgrade to it`
  const host = hostMismatch(version, oldest)
  if (host) return host
  if (to.minor > from.minor + 1 && !isKnownLine(version))
    return `it is unknown whether ${version} upgrades from ${minorOf(oldest)}`
  const kubernetes = view.kubernetes && kubernetesMismatch(version, view.kubernetes)
  return kubernetes || leftBehindObstacle({ running: view.running, left: view.leftBehind ?? [] }, version)
}

/** Why nothing is gone to between the two: the minor versions that nothing is offered of. */
export function gapBefore(version: string, before: string, situation: Situation): readonly string[] {
  const [to, from] = [parseVersion(version)!, parseVersion(before)!]
  if (to.major !== from.major) return []
  const missing = to.minor - from.minor - 1
  // Whoever publishes v1.900000000.0 does not get a sentence for each that is missing.
  if (missing > mostGaps)
    return [`no release from ${from.major}.${from.minor + 1} to ${from.major}.${to.minor - 1} is offered`]
  return Array.from({ length: Math.max(0, missing) }, (_, index) => {
    const line = `${from.major}.${from.minor + 1 + index}`
    const [excluded] = exclusions(situation, (one) => minorOf(one) === line)
    return excluded ?? `no release of ${line} is offered`
  })
}

/** Which Talos release Kubernetes needs, where it is too new for all that are offered. */
export function whatKubernetesTakes(lines: readonly Line[], { view }: Situation): readonly string[] {
  const first = view.kubernetes && firstLineFor(view.kubernetes)
  if (!first || lines.some(({ newest }) => !isNewer(`v${first}.0`, newest))) return []
  return [`Kubernetes ${minorOf(view.kubernetes)} needs Talos ${first} or later`]
}

/** Of releases that could be gone to at once, why the policy or the Factory leaves them out: what would open a way. */
export function whyExcluded(situation: Situation): readonly string[] {
  return exclusions(situation, (version) => blockOf(version, situation) === undefined)
}

/** One reason a line, that of its newest. */
function exclusions({ oldest, view, policy }: Situation, matters: (version: string) => boolean): readonly string[] {
  const { available, withdrawn = [] } = view
  const reasons = new Map<string, string>()
  for (const version of [...new Set([...available, ...withdrawn])].toSorted(compareVersions).toReversed()) {
    if (!isNewer(version, oldest) || !matters(version) || reasons.has(minorOf(version))) continue
    const why = exclusionOf(policy, version) ?? (withdrawn.includes(version) ? withdrawnReason(version) : undefined)
    if (why !== undefined) reasons.set(minorOf(version), why)
  }
  return [...reasons.values()].toReversed()
}
