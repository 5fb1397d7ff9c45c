import type { StopReasons } from '../core/plan.ts'
import { powerObstacle } from '../core/power/feeds.ts'
import { withdrawnReason } from '../core/release/policy.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'
import { pauseOf } from './upgrade-circumstances.ts'

/**
 * What speaks at this moment against going on with the rollout of this release, or with one of its nodes: a battery that
 * fails, a person, or the end of what was wanted. Which of it stops a phase is said by the phase.
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
    'rollback-request': isRequested ? `${node} is to be taken back` : undefined,
  }
}

/** Why nobody wants nodes to be brought to this release any more. */
function whyOver(version: string, journal: JobContext['ports']['journal']): string | undefined {
  if (remembered.aborted.recall(journal) === version) return `the rollout of ${version} was aborted`
  return remembered.withdrawn.recall(journal)?.includes(version) ? withdrawnReason(version) : undefined
}
