import { compareVersions, minorOf, parseVersion } from './version.ts'

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

/** Why this target can't run this Kubernetes; undefined when it can, or when we know no range for the target. */
export function kubernetesMismatch(target: string, kubernetes: string): string | undefined {
  const range = table[minorOf(target)]?.kubernetes
  const running = parseVersion(kubernetes)
  if (!range || !running || running.major !== 1) return undefined
  const [min, max] = range
  if (running.minor < min)
    return `${target} needs Kubernetes 1.${min} or later, and ${kubernetes} runs: upgrade Kubernetes first`
  if (running.minor > max) return `${target} runs Kubernetes up to 1.${max}, and ${kubernetes} runs`
  return undefined
}

/** Why the target's installer would refuse to run on this host; undefined when it would not, or when we don't know. */
export function hostMismatch(target: string, host: string): string | undefined {
  const minHost = table[minorOf(target)]?.minHost
  if (!minHost || compareVersions(host, minHost) >= 0) return undefined
  return `${target} installs over ${minHost} or later, and ${host} runs: go through the minor versions between`
}
