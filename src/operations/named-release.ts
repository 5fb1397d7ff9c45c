import { AgentError, during } from '../core/errors.ts'
import { compareVersions, parseVersion } from '../core/version.ts'
import { remembered } from './facts.ts'
import { patiently, type RequestMeans } from './request.ts'

/** @throws AgentError `misconfigured` where the text is no release of Talos */
export function demandRelease(text: string): void {
  if (!text.startsWith('v') || !parseVersion(text))
    throw new AgentError('misconfigured', `${text} is not a Talos release such as v1.13.9`)
}

/**
 * A release that a person names must exist. The Factory is asked where what it offered last does not have it: it may
 * have appeared since.
 *
 * @throws AgentError `misconfigured` where the text is no release of Talos, `not-found` where the Factory does not offer
 *   it, and what asking the Factory throws
 */
export async function demandOffered(
  { ports: { factory, journal } }: Pick<RequestMeans, 'ports'>,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  demandRelease(version)
  // One that was withdrawn is a release all the same: what becomes of it is said by whoever is asked about it.
  const known = [remembered.versions, remembered.withdrawn].flatMap((one) => one.recall(journal) ?? [])
  if (known.includes(version)) return
  const offered = await factory.versions(patiently(signal)).catch((error: unknown) => {
    throw during(`look up ${version}`, error)
  })
  if (offered.includes(version)) return
  const newest = offered.toSorted(compareVersions).at(-1)
  throw new AgentError(
    'not-found',
    `the Image Factory does not offer ${version}${newest === undefined ? '' : `; the newest that it offers is ${newest}`}`,
  )
}
