import { AgentError } from '../core/errors.ts'
import { describeUnlisted } from '../core/spelling.ts'
import type { RunAnswer, StagingRequests } from '../core/operator.ts'
import { type Image, imagesOf } from '../core/release/image.ts'
import type { Share } from '../core/release/ports.ts'
import type { UkiSection } from '../core/release/uki.ts'
import { type Hold, imageBefore, presentName } from '../core/release/publication.ts'
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
  const { agent, config, ports } = means
  const { journal, share } = ports
  const job = () => findJob(agent, 'stage-image')
  return {
    staged: () => share.staged(),
    sections: createSectionsReader(share),
    stage: async ({ version, wait }, { by, signal }) => {
      if (version !== undefined) {
        await demandOffered(means, version, signal)
        const before = remembered.stagingRequests.recall(journal) ?? []
        remembered.stagingRequests.remember(journal, [...new Set([...before, version])])
      } else {
        // Whoever wants the target release staged wants it published, on the share that is there.
        remembered.holds.remember(journal, undefined)
        remembered.shareAccepted.remember(journal, true)
      }
      const answer = wait ? stagedBy(runAndWait(agent, job(), signal), version, share) : startJob(agent, job())
      const said = `staging of ${version ?? 'the target release'} was requested`
      recordChange(journal, { kind: 'event', subject: version ?? 'share', said }, by)
      return answer
    },
    rollBack: async ({ image: called, wait }, { by, signal }) => {
      const image = findImage(imagesOf(config()), called)
      const contents = { staged: await share.staged(), names: await share.names() }
      const present = presentName(image, contents.names)
      const before = imageBefore(image, contents)
      if (!present || !before)
        throw new AgentError('not-found', `the share has nothing that ${image.file} served before`)
      const holds = remembered.holds.recall(journal) ?? {}
      const { version, schematic } = before
      // From the release that would be published without us, however often it is taken back.
      const { from, fromSchematic } = holds[image.name] ?? { from: present.version, fromSchematic: present.schematic }
      const hold: Hold = { from, ...(fromSchematic === undefined ? {} : { fromSchematic }), version, schematic }
      remembered.holds.remember(journal, { ...holds, [image.name]: hold })
      const answer = wait ? runAndWait(agent, job(), signal) : startJob(agent, job())
      const said = `${image.file} goes back from ${present.version} to ${version}`
      recordChange(journal, { kind: 'event', subject: 'share', said }, by)
      return answer
    },
    verify: ({ signal }) =>
      verifyShare(
        {
          ports,
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

/**
 * What a person hears who waits for a release. Another run may have taken the request, whose answer went to somebody else.
 */
async function stagedBy(
  run: Promise<RunAnswer>,
  version: string | undefined,
  share: Pick<Share, 'staged'>,
): Promise<RunAnswer> {
  const answer = await run
  if (version === undefined || answer.outcome !== 'done' || answer.detail.includes(version)) return answer
  const isThere = (await share.staged()).some((one) => one.version === version)
  return isThere
    ? { outcome: 'done', detail: `already staged: ${version}` }
    : { outcome: 'failed', detail: `${version} was not staged: \`caretaker journal --job stage-image\` tells why` }
}

/** Reads each image once: what is staged stays as it is, and has another digest where it does not. */
function createSectionsReader(share: Pick<Share, 'staged' | 'sections'>): StagingRequests['sections'] {
  let known: ReadonlyMap<string, readonly UkiSection[]> = new Map()
  return async (signal) => {
    const ukis = (await share.staged()).filter(({ kind }) => kind === 'uki')
    const read = ukis.map(async ({ path, sha256 }) => {
      const key = `${path} ${sha256}`
      const sections = known.get(key) ?? (await share.sections(path, signal).catch(() => undefined))
      return sections === undefined ? [] : [{ key, path, sections }]
    })
    const all = (await Promise.all(read)).flat()
    known = new Map(all.map(({ key, sections }) => [key, sections]))
    return new Map(all.map(({ path, sections }) => [path, sections]))
  }
}

/** @throws AgentError `not-found`, `misconfigured` where there are several and none is named */
function findImage(images: readonly Image[], called: string | undefined): Image {
  const names = images.map(({ name }) => name)
  if (called === undefined) {
    if (images.length === 1) return images[0]!
    throw new AgentError('misconfigured', `name the image that is to go back: ${names.join(', ')}`)
  }
  const found = images.find(({ name }) => name === called)
  if (found) return found
  throw new AgentError('not-found', describeUnlisted([called], names, ['image', 'images']))
}
