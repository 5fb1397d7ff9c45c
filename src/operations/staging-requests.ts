import { AgentError } from '../core/errors.ts'
import type { StagingRequests } from '../core/operator.ts'
import { parseVersion } from '../core/version.ts'
import { remembered } from './facts.ts'
import { runAndWait, startJob } from './job-requests.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { findJob } from './running-agent.ts'

/** What is on the share, and what a person wants there. */
export function createStagingRequests({ agent, ports }: RequestMeans): StagingRequests {
  const { journal, share } = ports
  return {
    staged: () => share.staged(),
    stage: async ({ version, wait }, { by, signal }) => {
      if (version !== undefined) {
        demandRelease(version)
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

/** @throws AgentError `misconfigured` where the text is no release of Talos */
export function demandRelease(text: string): void {
  if (!text.startsWith('v') || !parseVersion(text))
    throw new AgentError('misconfigured', `${text} is not a Talos release such as v1.13.9`)
}
