import { compareTexts } from './text-order.ts'

/** A Talos release: `v1.13.9`, `v1.14.0-rc.1`. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** `alpha`, `beta` or `rc` with its number; undefined for a final release. */
  readonly prerelease?: { readonly stage: string; readonly number: number }
}

/** A number without zeros before it, as semantic versioning has them (semver.org, 2). */
const number = '(0|[1-9][0-9]{0,8})'
const numbers = `${number}\\.${number}\\.${number}(?:-(alpha|beta|rc)\\.${number})?`
const pattern = new RegExp(`^v?${numbers}$`)

/** A release as the Image Factory writes it, with its `v`: a regular expression without its ends. */
export const releasePattern = `v${numbers}`

/** What was read last: a status, a page and a plan each read the same few releases for every node. */
const lately = new Map<string, Version | undefined>()
const mostLately = 500
/** Longer than any release. */
const longest = 50

/** Reads a release with or without its `v`; undefined where it isn't one. */
export function parseVersion(text: string): Version | undefined {
  if (text.length > longest) return undefined
  const known = lately.get(text)
  if (known !== undefined || lately.has(text)) return known
  if (lately.size >= mostLately) lately.clear()
  const read = readVersion(text)
  lately.set(text, read)
  return read
}

function readVersion(text: string): Version | undefined {
  const match = pattern.exec(text)
  if (!match) return undefined
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return match[4] === undefined
    ? { major, minor, patch }
    : { major, minor, patch, prerelease: { stage: match[4], number: Number(match[5]) } }
}

/** Semantic versioning's order, as the Image Factory sorts: alpha < beta < rc < final. What isn't a release sorts first. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parseVersion(a), parseVersion(b)]
  if (!x || !y) return Number(x !== undefined) - Number(y !== undefined)
  return (
    x.major - y.major ||
    x.minor - y.minor ||
    x.patch - y.patch ||
    Number(x.prerelease === undefined) - Number(y.prerelease === undefined) ||
    compareTexts(x.prerelease?.stage ?? '', y.prerelease?.stage ?? '') ||
    (x.prerelease?.number ?? 0) - (y.prerelease?.number ?? 0)
  )
}

export function isNewer(version: string, than: string): boolean {
  return compareVersions(version, than) > 0
}

/**
 * Whether it is a release as Sidero Labs publishes them. What someone has built is none: `v1.13.9-k7.1.9`,
 * `v1.11.5-1-gab12cd3`, `v1.13.9-dirty`. No way leads from there that anyone has tested.
 */
export function isOfficial(version: string): boolean {
  return parseVersion(version) !== undefined
}

/** The line that a version belongs to, also of what is not an official release; undefined where it names none. */
export function lineOf(version: string): { readonly major: number; readonly minor: number } | undefined {
  const match = /^v?(\d{1,9})\.(\d{1,9})\./.exec(version)
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : undefined
}

/** `1.13` of `v1.13.9`, and of `v1.13.9-k7.1.9`: how releases are counted when only their line matters. */
export function minorOf(version: string): string {
  const line = lineOf(version)
  return line ? `${line.major}.${line.minor}` : version
}

/** Talos 1.13 brought LifecycleService and ImageService (siderolabs/talos, release notes of v1.13.0). */
export function hasLifecycleService(version: string): boolean {
  const parsed = parseVersion(version)
  return parsed !== undefined && (parsed.major > 1 || (parsed.major === 1 && parsed.minor >= 13))
}
