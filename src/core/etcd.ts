import { type Cluster, type EtcdFacts, isHealthy, type Node, runningVersions } from './cluster.ts'
import { compareVersions, minorOf, parseVersion } from './version.ts'

/** A member that is so many log entries behind the others is not up to date: it has been away, or its disk is slow. */
const longestLag = 1_000

/** Why etcd is not whole: somebody is silent, they disagree, or a member is ill. Undefined when all is well. */
export function etcdObstacle(nodes: readonly Node[]): string | undefined {
  const controlPlanes = nodes.filter((node) => node.role === 'controlplane')
  const silent = controlPlanes.find((node) => viewOf(node) === undefined)
  if (silent) return `${silent.name} does not tell of its etcd member`

  const views = controlPlanes.map((node) => ({ name: node.name, facts: viewOf(node)! }))
  const [first] = views
  if (!first) return 'no control plane is configured'
  for (const { name, facts } of views) {
    if (facts.alarms.length > 0) return `etcd raises the alarm ${facts.alarms.join(', ')}`
    if (facts.errors.length > 0) return `etcd on ${name} reports ${facts.errors.join(', ')}`
    if (facts.learner) return `etcd on ${name} is still a learner`
    if (facts.leader === undefined) return `etcd on ${name} has no leader`
    if (memberSet(facts) !== memberSet(first.facts))
      return `${first.name} and ${name} disagree about the members of etcd`
    if (facts.leader !== first.facts.leader) return `${first.name} and ${name} see different etcd leaders`
  }
  if (first.facts.members.some((member) => member.learner)) return 'an etcd member is still a learner'
  if (first.facts.members.some((member) => member.name === '')) return 'an etcd member has never started'
  const newest = Math.max(...views.map(({ facts }) => facts.raftIndex))
  const late = views.find(({ facts }) => newest - facts.raftApplied > longestLag)
  if (late) return `etcd on ${late.name} is ${newest - late.facts.raftApplied} log entries behind`
  return undefined
}

/**
 * Why etcd could lose its quorum if this control plane went away; undefined when it could not. Since Talos 1.13 nothing
 * but the caller looks at this (siderolabs/talos internal/app/lifecycle has no etcd check).
 *
 * A single member is let through: its cluster stands still while it reboots, and there is no other way. Two of them only
 * where a person has said so (`twoMembers`): each can't do without the other.
 */
export function quorumObstacle(nodes: readonly Node[], leaving: string, twoMembers = false): string | undefined {
  const unwell = etcdObstacle(nodes)
  if (unwell) return unwell
  const controlPlanes = nodes.filter((node) => node.role === 'controlplane')
  const voters = viewOf(controlPlanes[0]!)!.members
  if (voters.length === 1) return undefined
  if (voters.length === 2 && twoMembers) return undefined
  if (voters.length === 2)
    return 'etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow'

  const staying = controlPlanes
    .filter((node) => node.name !== leaving && isHealthy(node))
    .map((node) => viewOf(node)!.id)
  const remaining = voters.filter((voter) => staying.includes(voter.id)).length
  const quorum = Math.floor(voters.length / 2) + 1
  if (remaining < quorum) return `etcd would keep ${remaining} healthy members of ${voters.length}, and needs ${quorum}`
  return undefined
}

/**
 * Why a rollback of this node would take etcd's quorum away: it is well, and too few others are. A member that is not
 * well itself takes nothing away.
 */
export function rollbackObstacle(nodes: readonly Node[], leaving: Node): string | undefined {
  const facts = viewOf(leaving)
  if (leaving.role === 'worker' || !isHealthy(leaving) || !facts || facts.members.length === 1) return undefined
  const well = nodes.filter((node) => node.role === 'controlplane' && node !== leaving && isHealthy(node))
  const quorum = Math.floor(facts.members.length / 2) + 1
  if (well.length >= quorum) return undefined
  return `etcd would keep ${well.length} healthy members of ${facts.members.length}, and needs ${quorum}`
}

/** Whether this control plane leads etcd by its own account. */
export function leadsEtcd({ talos }: Node): boolean {
  const etcd = talos.ok ? talos.value.etcd : undefined
  return etcd?.ok === true && etcd.value.leader === etcd.value.id
}

function viewOf({ talos }: Node): EtcdFacts | undefined {
  const etcd = talos.ok ? talos.value.etcd : undefined
  return etcd?.ok ? etcd.value : undefined
}

function memberSet(facts: EtcdFacts): string {
  return facts.members
    .map((member) => `${member.id} ${member.learner}`)
    .sort()
    .join('\n')
}

/** The etcd that each Talos minor brings (siderolabs/talos pkg/machinery/constants DefaultEtcdVersion). */
const etcdOf: Readonly<Record<string, string>> = {
  '1.9': 'v3.5.0',
  '1.10': 'v3.5.0',
  '1.11': 'v3.6.0',
  '1.12': 'v3.6.0',
  '1.13': 'v3.6.0',
  '1.14': 'v3.7.0',
  '1.15': 'v3.7.0',
}

/**
 * What going to this release means for the way back: once every control plane runs a newer etcd, it raises the version
 * of its data, and the older one refuses them (etcd-io/etcd server/etcdserver/version). Undefined where nothing changes.
 */
export function etcdBarrier({ nodes }: Pick<Cluster, 'nodes'>, target: string): string | undefined {
  const controlPlanes = nodes.filter(({ role }) => role === 'controlplane')
  const theirs = runningVersions({ nodes: controlPlanes }).flatMap((version) => etcdOf[minorOf(version)] ?? [])
  const [before, after] = [theirs.toSorted(compareVersions)[0], etcdOf[minorOf(target)]]
  if (before === undefined || after === undefined || compareVersions(after, before) <= 0) return undefined
  const left = controlPlanes.filter(({ talos }) => talos.ok && etcdOf[minorOf(talos.value.version)] === before).length
  return (
    `${target} brings etcd ${minorOf(after)}: going back is possible until the last control plane runs it ` +
    `(${left} of ${controlPlanes.length} still ${left === 1 ? 'has' : 'have'} etcd ${minorOf(before)})`
  )
}

/** Why a control plane can't go back to this release: its etcd would refuse the data. Undefined where it can. */
export function goingBackObstacle(node: Node, to: string | undefined): string | undefined {
  const facts = viewOf(node)
  if (node.role === 'worker') return undefined
  if (to === undefined) return `what ${node.name} would go back to is not known, so neither is whether its etcd could`
  const etcd = etcdOf[minorOf(to)]
  const data = facts?.storageVersion
  if (data === undefined || etcd === undefined) return `it is not known whether the etcd of ${to} could read the data`
  if (parseVersion(data) && compareVersions(data, etcd) <= 0) return undefined
  return `the data of etcd are written for ${minorOf(data)}, and ${to} brings ${minorOf(etcd)}, which refuses them`
}
