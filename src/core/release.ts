import { hostMismatch, kubernetesMismatch } from './compatibility.ts'
import { describeDuration } from './duration.ts'
import { compareVersions, isNewer, minorOf, parseVersion } from './version.ts'

export interface ReleasePolicy {
  readonly channel: 'stable' | 'prerelease'
  /** Go to this one and no further. */
  readonly pin?: string | undefined
  readonly skip: readonly string[]
  /** How long a release must have been known to us before it is used, in ms. */
  readonly soak: number
}

export interface ReleaseView {
  /** What the Factory offers. */
  readonly available: readonly string[]
  /** What the nodes run. Nodes that did not answer are left out. */
  readonly running: readonly string[]
  /** When each release was first seen, in ms since the epoch. */
  readonly firstSeen: ReadonlyMap<string, number>
  /** The release of a rollout that has begun: it is finished, not overtaken by a newer one. */
  readonly underWay: string | undefined
  /** Undefined where Kubernetes did not answer. */
  readonly kubernetes: string | undefined
  readonly now: number
}

export type TargetDecision =
  | { readonly kind: 'target'; readonly version: string; readonly reason: string }
  | { readonly kind: 'current'; readonly reason: string }
  /** A release is there, and something speaks against it for now. */
  | { readonly kind: 'wait'; readonly version: string; readonly reason: string; readonly until?: number }

/**
 * The release that the cluster should go to next. As Talos recommends, the way leads from minor to minor, through the
 * newest patch of each: first the newest of the minor that the oldest node runs, then the newest of the next.
 */
export function decideTarget(view: ReleaseView, policy: ReleasePolicy): TargetDecision {
  const oldest = view.running.toSorted(compareVersions)[0]
  if (oldest === undefined) return { kind: 'current', reason: 'no node answers, so what they run is not known' }
  if (view.available.length === 0)
    return { kind: 'current', reason: 'the Factory offers no release; what is there is kept' }
  if (policy.pin && !view.available.includes(policy.pin) && isNewer(policy.pin, oldest)) {
    return { kind: 'current', reason: `the pinned ${policy.pin} is not offered by the Factory; what is there is kept` }
  }

  if (
    view.underWay &&
    isNewer(view.underWay, oldest) &&
    view.running.includes(view.underWay) &&
    isAllowed(view.underWay, policy) &&
    hostMismatch(view.underWay, oldest) === undefined
  ) {
    return { kind: 'target', version: view.underWay, reason: 'its rollout has begun' }
  }

  const wanted = view.available.filter((version) => isNewer(version, oldest) && isAllowed(version, policy))
  const newest = wanted.toSorted(compareVersions).at(-1)
  if (newest === undefined) return { kind: 'current', reason: whyCurrent(oldest, view, policy) }

  const step = nextMinor(wanted, oldest)
  if (step.length === 0) {
    return {
      kind: 'wait',
      version: newest,
      reason: `no release of the minor version after ${minorOf(oldest)} is offered`,
    }
  }
  return soaked(step, view, policy, oldest)
}

function soaked(step: readonly string[], view: ReleaseView, policy: ReleasePolicy, oldest: string): TargetDecision {
  const readyAt = (version: string) => (view.firstSeen.get(version) ?? view.now) + policy.soak
  const byNewest = step.toSorted(compareVersions).toReversed()
  // A pin is a person's own decision: it needs no time to prove itself.
  const version = byNewest.find((candidate) => candidate === policy.pin || readyAt(candidate) <= view.now)
  if (version === undefined) {
    const [newest] = byNewest
    const age = describeDuration(view.now - (view.firstSeen.get(newest!) ?? view.now))
    const reason = `it has been known for ${age} of the ${describeDuration(policy.soak)} that it is to soak`
    return { kind: 'wait', version: newest!, reason, until: readyAt(newest!) }
  }
  const obstacle = hostMismatch(version, oldest) ?? (view.kubernetes && kubernetesMismatch(version, view.kubernetes))
  if (obstacle) return { kind: 'wait', version, reason: obstacle }
  const hop =
    minorOf(version) === minorOf(oldest)
      ? `the newest patch of ${minorOf(version)}`
      : `the newest of the next minor version`
  return { kind: 'target', version, reason: `${hop}, coming from ${oldest}` }
}

function isAllowed(version: string, { channel, pin, skip }: ReleasePolicy): boolean {
  if (skip.includes(version)) return false
  if (pin) return version === pin || (isNewer(pin, version) && parseVersion(version)?.prerelease === undefined)
  return channel === 'prerelease' || parseVersion(version)?.prerelease === undefined
}

/** The newer releases of the running minor, or else those of the next one. */
function nextMinor(wanted: readonly string[], oldest: string): readonly string[] {
  const { major, minor } = parseVersion(oldest) ?? { major: 0, minor: 0 }
  const of = (wantedMinor: number) =>
    wanted.filter((version) => {
      const parsed = parseVersion(version)!
      return parsed.major === major && parsed.minor === wantedMinor
    })
  const patches = of(minor)
  return patches.length > 0 ? patches : of(minor + 1)
}

function whyCurrent(oldest: string, view: ReleaseView, policy: ReleasePolicy): string {
  if (policy.pin) return `${oldest} runs, and ${policy.pin} is pinned`
  const newest = view.available.toSorted(compareVersions).at(-1)!
  // The Factory's list has shrunk before by mistake: that is no reason to go back.
  if (isNewer(oldest, newest)) return `${oldest} runs, and the Factory's newest is ${newest}; nothing goes backwards`
  if (isNewer(newest, oldest)) return `${oldest} is the newest that the policy allows, of releases up to ${newest}`
  return `${oldest} is the newest`
}
