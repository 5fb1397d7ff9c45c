import { refusal } from './answers.ts'

const versionPattern = /^v?(\d+)\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?$/

/** A release as Talos spells it: `v1.13.9`. */
export function withV(version: string): string {
  return `v${version.replace(/^v/, '')}`
}

/** The release in a path; refused where it is none. */
export function parseVersion(version: string): string {
  // The factory's own parser fails outside its list of known mistakes, hence no reason is given.
  if (!/^v?\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version)) throw refusal(500, 'internal server error')
  return withV(version)
}

/** internal/artifacts/versions.go: ascending by semver; pre-releases of the highest minor release only. */
export function listed(versions: ReadonlySet<string>): string[] {
  const stages = ['alpha', 'beta', 'rc', undefined]
  const parsed = [...versions].flatMap((version) => {
    const found = versionPattern.exec(version)
    if (!found) return []
    const order = [found[1], found[2], found[3], stages.indexOf(found[4]), found[5] ?? 0].map(Number)
    return [{ version, order, minor: `${found[1]}.${found[2]}`, isFinal: found[4] === undefined }]
  })
  const sorted = parsed.toSorted((a, b) => {
    const index = a.order.findIndex((value, at) => value !== b.order[at])
    return index < 0 ? 0 : (a.order[index] ?? 0) - (b.order[index] ?? 0)
  })
  const highest = sorted.at(-1)?.minor
  return sorted.filter(({ isFinal, minor }) => isFinal || minor === highest).map(({ version }) => version)
}
