import type { StagingRequests } from '../core/operator.ts'
import { remembered } from './facts.ts'
import { acceptBytes } from './known-bytes.ts'
import { demandOffered } from './named-release.ts'
import { runAndWait, startJob } from './job-requests.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { findJob } from './running-agent.ts'
import { verifyShare } from './verify-share.ts'

/** In ms: a share of a gigabyte over a slow line takes some minutes. */
const verifiesWithin = 20 * 60_000

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
    verify: ({ signal }) =>
      verifyShare(
        {
          ports,
          published: means.config().share.image,
          signal: AbortSignal.any([signal, AbortSignal.timeout(verifiesWithin)]),
        },
        journal,
      ),
    accept: async ({ sha256 }, { by }) => {
      const { version, held } = acceptBytes(journal, sha256, means.now())
      const said = `${version} with the SHA-256 ${held.sha256} was accepted`
      const answer = recordChange(journal, { kind: 'event', subject: version, said }, by)
      await startJob(agent, findJob(agent, 'stage-image'))
      return answer
    },
  }
}
