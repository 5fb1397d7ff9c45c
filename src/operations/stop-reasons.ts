import type { StopReasons } from '../core/plan.ts'
import { powerObstacle } from '../core/power/feeds.ts'
import { withdrawnReason } from '../core/release/policy.ts'
import { isAborted } from './aborts.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'
import { pauseOf } from './upgrade-circumstances.ts'

/**
 * Why the rollout of this release, or one of its nodes, may not continue now: a failing battery,
 * a person, or a release that is no longer wanted. Each phase declares which of these stop it.
 */
export function rolloutStopReasons(
  { config, ports, power, monotonic }: Pick<JobContext, 'config' | 'ports' | 'power' | 'monotonic'>,
  version: string | undefined,
  node?: string,
): StopReasons {
  const { journal } = ports
  const requests = remembered.rollbacks.recall(journal) ?? []
  const isRequested = node !== undefined && requests.some((request) => request.node === node)
  return {
    'failing-power': powerObstacle(power, monotonic(), config.power),
    abort: version === undefined ? undefined : whyOver(version, journal),
    pause: pauseOf(config, journal),
    'rollback-request': isRequested ? `a rollback of ${node} was requested` : undefined,
  }
}

/** Why nodes are no longer upgraded to this release. */
function whyOver(version: string, journal: JobContext['ports']['journal']): string | undefined {
  if (isAborted(journal, version)) return `the rollout of ${version} was aborted`
  return remembered.withdrawn.recall(journal)?.includes(version) ? withdrawnReason(version) : undefined
}
