import { describeIdentity, type Node } from '../cluster/cluster.ts'
import { capitalized } from '../capitalized.ts'
import { describeDuration } from '../duration.ts'
import { compareVersions } from '../version.ts'
import { failed, type Finding, ok, skipped, warning } from './check.ts'

/** What is asked of a node beside what is observed all the time. */
export interface NodeInspection {
  readonly clock: NodeClock
  /** Its network cards; undefined where it does not tell. */
  readonly links: readonly NodeLink[] | undefined
}

/** A node's clock, beside ours. Times in ms since the epoch, ours on our own clock. */
export interface NodeClock {
  /** Whether Talos says that it is in step with a time server; undefined where it does not tell. */
  readonly synced: boolean | undefined
  /** Time is not to be kept: `machine.time.disabled`. */
  readonly isDisabled?: boolean
  /** What it said, between which two moments of ours; or why it did not. */
  readonly told?: { readonly at: number; readonly from: number; readonly to: number } | undefined
  /** Why it could not ask its time server. */
  readonly trouble?: string | undefined
}

export interface NodeLink {
  /** `enp1s0`. */
  readonly name: string
  /** Lower case, with colons: as it is now, and as it is burned in. */
  readonly macs: readonly string[]
  readonly isUp: boolean
  /** What wakes the machine (ethtool): `magic`. Undefined where Talos does not tell: before 1.12. */
  readonly wakesBy: readonly string[] | undefined
}

/** Two clocks that are so far apart are worth a word; so far, and certificates and leases go wrong. In ms. */
const noticeable = 2_000
const harmful = 60_000

/** The node's machine type against the role in the configuration. */
export function judgeRole({ name, role, configuredRole }: Node): Finding {
  if (role === configuredRole) return ok(`runs as a ${role}, as configured`)
  return failed(
    `runs as a ${role} and is configured as a ${configuredRole}: it would be shut down at the wrong time, and no node is upgraded`,
    `Set role: ${role} for ${name} in caretaker.yaml, or install the node with the right machine type`,
  )
}

/** Whether Talos at its address and Kubernetes under its name are the same machine. */
export function judgeIdentity(node: Node): Finding {
  const { kubernetes, identity, name } = node
  const fault = describeIdentity(node)
  // The sentence ends with its cure, after the last colon or full stop.
  if (fault !== undefined) {
    const [, reason = fault, next] = /^(.*)(?:: |\. )(give it .*|Correct .*)$/.exec(fault) ?? []
    return failed(reason, next === undefined ? 'Correct caretaker.yaml' : capitalized(next))
  }
  if (!kubernetes.ok)
    return failed(
      `could not be read from Kubernetes: ${kubernetes.error}`,
      `Give the node the name that \`kubectl get nodes\` shows, or rename ${name} in caretaker.yaml`,
    )
  if (identity.kind === 'late') return warning('has not reported its current boot to Kubernetes yet')
  return ok('is the same machine in Talos and in Kubernetes')
}

/** Whether it runs, and is ready. */
export function judgeHealth({ name, talos }: Node): Finding {
  if (!talos.ok) return skipped('does not answer')
  const { stage, ready, unmet, ailing } = talos.value
  if (stage !== 'running') return warning(`is ${stage}`, `Wait until it runs: \`talosctl -n ${name} dashboard\``)
  const troubles = [...unmet, ...ailing.map((service) => `the service ${service} is not healthy`)]
  if (ready && troubles.length === 0) return ok(`runs ${talos.value.version}, and is ready`)
  return warning(
    `is not ready: ${troubles.join('; ') || 'it does not say why'}`,
    `Look at \`talosctl -n ${name} health\` and \`talosctl -n ${name} service\``,
  )
}

/** The node's clock against ours: certificates, leases and etcd go by it. */
export function judgeClock({ synced, isDisabled, told, trouble }: NodeClock): Finding {
  const off = told && apart(told)
  if (off !== undefined && Math.abs(off) >= noticeable) {
    const reason = `its clock is ${describeDuration(Math.abs(off))} ${off > 0 ? 'ahead of' : 'behind'} the one here`
    const next = 'Let both follow a time server: `machine.time` of the node, `timedatectl` here'
    return Math.abs(off) >= harmful
      ? failed(`${reason}: certificates and leases are refused`, next)
      : warning(reason, next)
  }
  if (isDisabled === true) return warning('keeps no time: it is disabled', 'Enable `machine.time` in its configuration')
  if (trouble !== undefined)
    return warning(
      `can't ask its time server: ${trouble}`,
      'Check `machine.time.servers` of the node, and its way there',
    )
  if (synced === false) return warning('is not in step with a time server', 'Check `machine.time.servers` of the node')
  if (told === undefined) return skipped('does not tell its time')
  return ok(
    synced === undefined ? 'its clock agrees with the one here' : 'its clock is in step, and agrees with the one here',
  )
}

/** How far the node's clock is from ours at least, in ms; 0 where it may be right. */
function apart({ at, from, to }: { readonly at: number; readonly from: number; readonly to: number }): number {
  if (at < from) return at - from
  return at > to ? at - to : 0
}

/** The release that brought `wakeOnLan` of EthernetConfig, and tells it (docs.siderolabs.com, Ethernet configuration). */
const tellsWaking = 'v1.12.0'

/** Whether the node's card would wake it: its MAC address, and what the card is set to. */
export function judgeWaking(
  macs: readonly string[],
  { links, version }: { readonly links: NodeInspection['links']; readonly version: string },
): Finding {
  if (macs.length === 0)
    return warning('has no mac in the configuration: after a power cut somebody has to press its button', 'Set mac')
  if (links === undefined) return skipped('does not tell its network cards')
  const known = links.map(({ name, macs: own }) => `${name} has ${own.join(' and ') || 'none'}`)
  for (const mac of macs.map((one) => one.toLowerCase().replaceAll('-', ':'))) {
    const link = links.find((one) => one.macs.includes(mac))
    if (!link)
      return failed(
        `has no network card ${mac} (${known.join(', ') || 'none at all'})`,
        'Correct its mac in caretaker.yaml',
      )
    if (!link.isUp)
      return warning(
        `its card ${link.name} (${mac}) has no link`,
        'Plug its cable in, or set the mac of the card that is used',
      )
    if (link.wakesBy === undefined || compareVersions(version, tellsWaking) < 0)
      return skipped(`${version} does not tell whether ${link.name} wakes it: Talos does from 1.12 on`)
    if (!link.wakesBy.includes('magic'))
      return warning(
        `its card ${link.name} is not set to wake it by magic packets${link.wakesBy.length > 0 ? `, only by ${link.wakesBy.join(', ')}` : ''}`,
        `Apply an EthernetConfig with name: ${link.name} and wakeOnLan: [magic], and enable Wake-on-LAN in its firmware`,
      )
  }
  return ok('its network card is set to wake it by magic packets')
}
