import { type Cluster, type EtcdFacts, type Node, runningVersions } from './cluster.ts'
import { compareVersions, minorOf, parseVersion } from '../version.ts'

/** A member that is so many log entries behind the others is not up to date: it has been away, or its disk is slow. */
const longestLag = 1_000

/** Why etcd is not healthy: a member does not answer, members disagree, or one is unhealthy. Undefined if it is healthy. */
export function etcdObstacle(nodes: readonly Node[]): string | undefined {
  const controlPlanes = nodes.filter((node) => node.role === 'controlplane')
  const silent = controlPlanes.find((node) => viewOf(node) === undefined)
  if (silent) return `${silent.name} does not report its etcd member`

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
 * Why etcd would lose its quorum if these nodes went away now; undefined when it would not. Every planned removal asks
 * here: upgrade, rollback, disarming. (The ordered shutdown of an outage does not: there everything goes.) Since Talos
 * 1.13 nothing but the caller looks at this (siderolabs/talos internal/app/lifecycle has no etcd check).
 *
 * It is judged by etcd alone: a node whose kubelet is ill may hold a voter that is well, and one that is Ready may hold
 * none. Voters are counted by member id; learners have no vote. A quorum that is lost already can't be lost again, and
 * its nodes may be exactly those that a rollback makes whole. A single voter is let through: its cluster stands still
 * while it is away, and there is no other way. Of two only where a person has said so (`twoMembers`).
 */
export function quorumObstacle(
  nodes: readonly Node[],
  leaving: readonly string[],
  twoMembers = false,
): string | undefined {
  const views = nodes.flatMap((node) => {
    const facts = viewOf(node)
    return facts ? [{ node, facts }] : []
  })
  const led = views.filter(({ facts }) => facts.leader !== undefined)
  // No member sees a leader: there is no quorum to lose. If no member answers, nothing is known.
  if (led.length === 0) return undefined
  const goes = ({ id, name }: EtcdFacts['members'][number]) =>
    leaving.includes(name) || views.some(({ node, facts }) => facts.id === id && leaving.includes(node.name))
  for (const voters of votersOf(led)) {
    const quorum = Math.floor(voters.length / 2) + 1
    const remaining = voters.filter((voter) => !goes(voter) && led.some(({ facts }) => isVoting(facts, voter.id)))
    if (voters.length === 1 || remaining.length >= quorum) continue
    if (!nodes.some((node) => leaving.includes(node.name) && mayCarry(node, voters))) continue
    if (voters.length === 2 && twoMembers) continue
    if (voters.length === 2)
      return 'etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow'
    return `etcd would be left with ${remaining.length} of ${voters.length} members healthy, but needs ${quorum}`
  }
  return undefined
}

/** Whether any member sees a leader: without one there is no quorum, or an election is running. */
export function hasEtcdLeader(nodes: readonly Node[]): boolean {
  return nodes.some((node) => viewOf(node)?.leader !== undefined)
}

/** Whether the quorum may depend on this node: it has a voter that takes part, or that is unknown. */
function mayCarry(node: Node, voters: EtcdFacts['members']): boolean {
  const facts = viewOf(node)
  if (facts) return facts.leader !== undefined && voters.some(({ id }) => id === facts.id)
  return node.role === 'controlplane' || voters.some(({ name }) => name === node.name)
}

/** The lists of voters that members with a leader hold: several only while etcd changes its membership. */
function votersOf(led: readonly { readonly facts: EtcdFacts }[]): readonly EtcdFacts['members'][] {
  const lists = new Map(led.map(({ facts }) => [memberSet(facts), facts.members.filter(({ learner }) => !learner)]))
  return [...lists.values()]
}

/** Whether this member's own view shows that it takes part: it has its leader, and has kept up with the log. */
function isVoting(facts: EtcdFacts, id: string): boolean {
  return facts.id === id && facts.raftIndex - facts.raftApplied <= longestLag
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
 * What upgrading to this release means for a rollback: once every control plane runs a newer etcd, it raises the version
 * of its data, and the older one refuses them (etcd-io/etcd server/etcdserver/version). Undefined where nothing changes.
 */
export function etcdBarrier({ nodes }: Pick<Cluster, 'nodes'>, target: string): string | undefined {
  const controlPlanes = nodes.filter(({ role }) => role === 'controlplane')
  const theirs = runningVersions({ nodes: controlPlanes }).flatMap((version) => etcdOf[minorOf(version)] ?? [])
  const [before, after] = [theirs.toSorted(compareVersions)[0], etcdOf[minorOf(target)]]
  if (before === undefined || after === undefined || compareVersions(after, before) <= 0) return undefined
  const left = controlPlanes.filter(({ talos }) => talos.ok && etcdOf[minorOf(talos.value.version)] === before).length
  return (
    `${target} comes with etcd ${minorOf(after)}: a rollback is possible until the last control plane runs it ` +
    `(${left} of ${controlPlanes.length} still ${left === 1 ? 'has' : 'have'} etcd ${minorOf(before)})`
  )
}

/** Why a control plane can't be rolled back to this release: its etcd would refuse the data. Undefined if it can. */
export function goingBackObstacle(node: Node, to: string | undefined): string | undefined {
  const facts = viewOf(node)
  if (node.role === 'worker') return undefined
  if (to === undefined)
    return `the release that ${node.name} would roll back to is unknown, and so is whether its etcd can read the data`
  const etcd = etcdOf[minorOf(to)]
  const data = facts?.storageVersion
  if (data === undefined || etcd === undefined) return `it is unknown whether the etcd of ${to} can read the data`
  if (parseVersion(data) && compareVersions(data, etcd) <= 0) return undefined
  return `the etcd data is written by ${minorOf(data)}, and ${to} comes with ${minorOf(etcd)}, which refuses it`
}
