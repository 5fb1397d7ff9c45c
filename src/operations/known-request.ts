import { setTimeout as sleep } from 'node:timers/promises'
import type { KnownAnswer } from '../core/known.ts'
import type { StatusMeans } from './status-request.ts'

/** In ms: what was seen on the share longer ago is looked at again, for those who ask next. */
const shareLookedAtAfter = 60_000
/** In ms: how long the queue's store, which may hang, is waited for. */
const queueWithin = 500

/** What is known without asking nodes, UPSes or the Factory. The share is looked at beside it now and then. */
export async function readKnown({ agent, about, seen, staged, queue }: StatusMeans): Promise<KnownAnswer> {
  const cluster = seen.last()
  const share = staged.last(shareLookedAtAfter)
  return {
    version: about.version,
    queue: await Promise.race([queue.counts(), sleep(queueWithin, undefined, { ref: false })]),
    services: about.services(),
    configuration: about.configuration(),
    cluster: cluster && { ...cluster.value, observedAt: cluster.at.toISOString() },
    staged: share && { images: share.value, observedAt: share.at.toISOString() },
    running: agent.running,
    steps: agent.steps,
  }
}
