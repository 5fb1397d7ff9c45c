import type { StagingRequests } from '../core/operator.ts'
import { remembered } from './facts.ts'
import { demandOffered } from './named-release.ts'
import { runAndWait, startJob } from './job-requests.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { findJob } from './running-agent.ts'

/** What is on the share, and what a person wants there. */
export function createStagingRequests(means: RequestMeans): StagingRequests {
  const { agent, ports } = means
  const { journal, share } = ports
  return {
    staged: () => share.staged(),
    stage: async ({ version, wait }, { by, signal }) => {
      if (version !== undefined) {
        await demandOffered(means, version, signal)
        const before = remembered.stagingRequests.recall(journal) ?? []
        remembered.stagingRequests.remember(journal, [...new Set([...before, version])])
      }
      const job = findJob(agent, 'stage-image')
      const answer = wait ? runAndWait(agent, job, signal) : startJob(agent, job)
      recordChange(
        journal,
        {
          kind: 'event',
          subject: version ?? 'share',
          said: `staging of ${version ?? 'the target release'} was requested`,
        },
        by,
      )
      return answer
    },
  }
}
