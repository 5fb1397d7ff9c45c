import { isNewer, isOfficial, parseVersion } from '../version.ts'

export interface ReleasePolicy {
  readonly channel: 'stable' | 'prerelease'
  /** Upgrade to this release and no further. */
  readonly pin?: string | undefined
  readonly skip: readonly string[]
  /** How long a release must have been known to us before it is used, in ms. */
  readonly soak: number
}

/** Why the policy leaves this release out, naming the setting; undefined where it does not. */
export function exclusionOf({ channel, pin, skip }: ReleasePolicy, version: string): string | undefined {
  if (!isOfficial(version)) return `${version} is not an official release`
  if (skip.includes(version)) return `${version} is skipped by upgrade.skip`
  if (pin && isNewer(version, pin)) return `${version} is newer than upgrade.pin (${pin})`
  const isPrerelease = parseVersion(version)?.prerelease !== undefined
  if (isPrerelease && (pin ? version !== pin : channel !== 'prerelease'))
    return `${version} is a pre-release, which upgrade.channel excludes`
  return undefined
}

export function allows(policy: ReleasePolicy, version: string): boolean {
  return exclusionOf(policy, version) === undefined
}

/** Why no more nodes are upgraded to this release. */
export function withdrawnReason(version: string): string {
  return `${version} was withdrawn by the Image Factory`
}
