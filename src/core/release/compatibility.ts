import { compareVersions, isOfficial, minorOf } from '../version.ts'

/**
 * Which host a Talos minor can be installed over and which Kubernetes minors it runs
 * (siderolabs/talos pkg/machinery/compatibility/talos1XX, main of August 2026).
 */
const table: Readonly<Record<string, { minHost: string; kubernetes: readonly [number, number] }>> = {
  '1.10': { minHost: 'v1.8.0', kubernetes: [28, 33] },
  '1.11': { minHost: 'v1.9.0', kubernetes: [29, 34] },
  '1.12': { minHost: 'v1.10.0', kubernetes: [30, 35] },
  '1.13': { minHost: 'v1.11.0', kubernetes: [31, 36] },
  '1.14': { minHost: 'v1.12.0', kubernetes: [32, 37] },
  '1.15': { minHost: 'v1.13.0', kubernetes: [33, 38] },
}

/** Whether it is known what this release can be installed over, and what it runs. */
export function isKnownLine(target: string): boolean {
  return Object.hasOwn(table, minorOf(target))
}

/**
 * Why this target can't run this Kubernetes; undefined when it can, or when we know no range for the target. Only major
 * and minor count, as in Talos' own check, so `v1.36.0-rc.1` and `v1.36.3+vendor.2` are of 1.36. `found` says what was
 * found, for components of a version of their own.
 */
export function kubernetesMismatch(
  target: string,
  kubernetes: string,
  found: string = `the cluster runs ${kubernetes}`,
): string | undefined {
  const range = isKnownLine(target) ? table[minorOf(target)]!.kubernetes : undefined
  const match = /^v?(\d+)\.(\d+)(?:\D|$)/.exec(kubernetes)
  if (!range || !match || match[1] !== '1') return undefined
  const [min, max] = range
  const minor = Number(match[2])
  if (minor < min) return `${target} needs Kubernetes 1.${min} or later, but ${found}: upgrade Kubernetes first`
  if (minor > max) return `${target} supports Kubernetes up to 1.${max}, but ${found}`
  return undefined
}

/** The first minor version of Talos that runs this Kubernetes: `1.13`; undefined where none is known. */
export function firstLineFor(kubernetes: string): string | undefined {
  const lines = Object.keys(table).filter((line) => kubernetesMismatch(`v${line}.0`, kubernetes) === undefined)
  return lines.toSorted((a, b) => compareVersions(`v${a}.0`, `v${b}.0`))[0]
}

/** Why the target's installer would refuse to run on this host; undefined when it would not, or when we don't know. */
export function hostMismatch(target: string, host: string): string | undefined {
  const minHost = isKnownLine(target) ? table[minorOf(target)]!.minHost : undefined
  if (!minHost || !isOfficial(host) || compareVersions(host, minHost) >= 0) return undefined
  return `${target} upgrades from ${minHost} or later, but the node runs ${host}: upgrade through the minor versions in between`
}
