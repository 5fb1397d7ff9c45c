import { describeDuration } from '../duration.ts'
import {
  blockOf,
  gapBefore,
  linesAhead,
  type ReleaseView,
  type Situation,
  whatKubernetesTakes,
  whyExcluded,
} from './lines.ts'
import { allows, type ReleasePolicy, withdrawnReason } from './policy.ts'
import { compareVersions, isNewer, isOfficial, minorOf, parseVersion } from '../version.ts'

export type TargetDecision =
  | { readonly kind: 'target'; readonly version: string; readonly reason: string }
  | { readonly kind: 'current'; readonly reason: string }
  /** There is a release, and something blocks it for now. */
  | { readonly kind: 'wait'; readonly version: string; readonly reason: string; readonly until?: number }

/**
 * The next target release. As Talos recommends, upgrades go from minor to minor, through the
 * newest patch of each: first the newest of the minor that the oldest node runs, then the newest of the next. That order
 * is left only where it is blocked and another step is not; a release that soaks is not blocked, but waited for.
 */
export function decideTarget(view: ReleaseView, policy: ReleasePolicy): TargetDecision {
  const { available, withdrawn = [], underWay } = view
  const running = view.running.filter(isOfficial).toSorted(compareVersions)
  const [oldest] = running
  if (oldest === undefined) return { kind: 'current', reason: whyNobody(view) }
  if (available.length === 0) return { kind: 'current', reason: 'the Factory offers no release; nothing changes' }
  const { pin } = policy
  if (pin && !available.includes(pin) && !withdrawn.includes(pin) && isNewer(pin, oldest)) {
    return { kind: 'current', reason: `the pinned ${pin} is not offered by the Factory; nothing changes` }
  }
  const situation: Situation = { oldest, view, policy }
  if (underWay && isToBeFinished(underWay, situation)) {
    return { kind: 'target', version: underWay, reason: 'its rollout has started' }
  }

  const passed: string[] = []
  let before = oldest
  const lines = linesAhead(situation)
  for (const { newest, offered, vanished } of lines) {
    passed.push(...gapBefore(newest, before, situation))
    before = newest
    const block = blockOf(newest, situation)
    if (block !== undefined) {
      passed.push(block)
      continue
    }
    // A list that has shrunk is no reason to take an older release of the same line.
    if (vanished !== undefined) return { kind: 'wait', version: vanished, reason: vanishedReason(vanished) }
    return soaked(offered, passed, situation)
  }
  const [first] = lines
  if (first === undefined) return { kind: 'current', reason: whyCurrent(situation) }
  const opens = [...whyExcluded(situation), ...whatKubernetesTakes(lines, situation)]
  return { kind: 'wait', version: first.newest, reason: [...new Set([...passed, ...opens])].join('; ') }
}

/** Whether a rollout continues with its release: nodes have it already, and the others still may get it. */
function isToBeFinished(release: string, situation: Situation): boolean {
  const { oldest, view, policy } = situation
  const { running, withdrawn = [], vanished = [] } = view
  if (withdrawn.includes(release) || vanished.includes(release) || !allows(policy, release)) return false
  return running.includes(release) && isNewer(release, oldest) && blockOf(release, situation) === undefined
}

/** The newest of one line that has soaked; what speaks against nearer lines was found before. */
function soaked(offered: readonly string[], passed: readonly string[], situation: Situation): TargetDecision {
  const { oldest, view, policy } = situation
  const readyAt = (version: string) => (view.firstSeen.get(version) ?? view.now) + policy.soak
  // A pin is a person's own decision: it needs no time to prove itself.
  const isReady = (version: string) =>
    readyAt(version) <= view.now && (policy.soak === 0 || view.clockFault === undefined)
  const version = offered.find((candidate) => candidate === policy.pin || isReady(candidate))
  if (version === undefined) {
    const [newest] = offered
    if (view.clockFault !== undefined)
      return { kind: 'wait', version: newest!, reason: `it is unknown how long it has soaked: ${view.clockFault}` }
    // Kept as text: how long it has soaked would be wrong a moment later.
    const reason = `it soaks for ${describeDuration(policy.soak)}`
    return { kind: 'wait', version: newest!, reason, until: readyAt(newest!) }
  }
  const why = [
    `${describeStep(version, oldest)}, from ${oldest}`,
    ...(passed.length > 0 ? [`the usual order is blocked (${passed.join('; ')})`] : []),
    ...withdrawnAfter(version, situation),
  ]
  return { kind: 'target', version, reason: why.join('; ') }
}

function describeStep(version: string, oldest: string): string {
  const [to, from] = [parseVersion(version)!, parseVersion(oldest)!]
  if (to.minor === from.minor) return `the newest patch of ${minorOf(version)}`
  if (to.minor === from.minor + 1) return 'the newest of the next minor version'
  return `the newest of ${minorOf(version)}, which installs directly over ${minorOf(oldest)}`
}

/** The release that would be the target, had the Factory not withdrawn it. */
function withdrawnAfter(version: string, { view, policy }: Situation): readonly string[] {
  const newest = (view.withdrawn ?? [])
    .filter((one) => isNewer(one, version) && allows(policy, one))
    .toSorted(compareVersions)
    .at(-1)
  return newest === undefined ? [] : [withdrawnReason(newest)]
}

function vanishedReason(version: string): string {
  return `the Factory no longer lists ${version}, although it was not withdrawn: no more nodes are upgraded. The rollout continues when ${version} or a newer release is listed, or when ${version} is added to upgrade.skip`
}

function whyNobody({ running, leftBehind = [] }: ReleaseView): string {
  const isSeen = running.length > 0 || leftBehind.length > 0
  return isSeen
    ? 'no node runs an official release, so none is upgraded'
    : 'no node answers, so their versions are unknown'
}

function whyCurrent(situation: Situation): string {
  const { oldest, view, policy } = situation
  const [withdrawn] = withdrawnAfter(oldest, situation)
  if (withdrawn) return `${withdrawn}, and nothing else is newer than ${oldest}`
  if (policy.pin) return `the nodes run ${oldest}, and ${policy.pin} is pinned`
  const newest = view.available.filter(isOfficial).toSorted(compareVersions).at(-1)
  if (newest === undefined) return `the nodes run ${oldest}, but the Factory offers no official release`
  // The Factory's list has shrunk by mistake before: no downgrade.
  if (isNewer(oldest, newest))
    return `the nodes run ${oldest}, but the Factory's newest is ${newest}; nothing is downgraded`
  if (isNewer(newest, oldest)) return `${oldest} is the newest that the policy allows, of releases up to ${newest}`
  return `${oldest} is the newest`
}
