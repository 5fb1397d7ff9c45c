import { type EtcdFacts, isHealthy, type Node, whyUnhealthy } from './cluster.ts'

/** Why etcd is not whole: somebody is silent, they disagree, or a member is ill. Undefined when all is well. */
export function etcdObstacle(nodes: readonly Node[]): string | undefined {
  const controlPlanes = nodes.filter((node) => node.role === 'controlplane')
  const silent = controlPlanes.find((node) => viewOf(node) === undefined)
  if (silent) return `${silent.name} does not tell of its etcd member`

  const views = controlPlanes.map((node) => ({ name: node.name, facts: viewOf(node)! }))
  const [first] = views
  if (!first) return 'no control plane is configured'
  for (const { name, facts } of views) {
    if (facts.errors.length > 0) return `etcd on ${name} reports ${facts.errors.join(', ')}`
    if (facts.learner) return `etcd on ${name} is still a learner`
    if (facts.leader === undefined) return `etcd on ${name} has no leader`
    if (memberSet(facts) !== memberSet(first.facts))
      return `${first.name} and ${name} disagree about the members of etcd`
    if (facts.leader !== first.facts.leader) return `${first.name} and ${name} see different etcd leaders`
  }
  if (first.facts.members.some((member) => member.learner)) return 'an etcd member is still a learner'
  return undefined
}

/**
 * Why etcd could lose its quorum if this control plane went away; undefined when it could not. Since Talos 1.13 nothing
 * but the caller looks at this (siderolabs/talos internal/app/lifecycle has no etcd check).
 *
 * A single member is let through: its cluster stands still while it reboots, and there is no other way.
 */
export function quorumObstacle(nodes: readonly Node[], leaving: string): string | undefined {
  const unwell = etcdObstacle(nodes)
  if (unwell) return unwell
  const controlPlanes = nodes.filter((node) => node.role === 'controlplane')
  const voters = viewOf(controlPlanes[0]!)!.members
  if (voters.length === 1) return undefined
  if (voters.length === 2) return 'etcd has two members, and neither can go without losing quorum: add or remove one'

  const staying = controlPlanes
    .filter((node) => node.name !== leaving && isHealthy(node))
    .map((node) => viewOf(node)!.id)
  const remaining = voters.filter((voter) => staying.includes(voter.id)).length
  const quorum = Math.floor(voters.length / 2) + 1
  if (remaining < quorum) return `etcd would keep ${remaining} healthy members of ${voters.length}, and needs ${quorum}`
  return undefined
}

/** Why this node can't be taken away now: another is unwell, or etcd could lose its quorum. Undefined when it can. */
export function leavingObstacle(nodes: readonly Node[], leaving: string): string | undefined {
  const unwell = nodes.find((node) => node.name !== leaving && !isHealthy(node))
  if (unwell) return `${unwell.name} ${whyUnhealthy(unwell)}`
  const isControlPlane = nodes.some((node) => node.name === leaving && node.role === 'controlplane')
  return isControlPlane ? quorumObstacle(nodes, leaving) : undefined
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
