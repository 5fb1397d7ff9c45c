import type { Cluster, Role } from '../cluster/cluster.ts'
import { isHealthy } from '../cluster/cluster.ts'
import { labelKeyFault, labelValueFault } from '../cluster/label-names.ts'
import { counted, listed } from '../count.ts'
import { type Evidence, isBorneOut } from './evidence.ts'
import type { Machine, MachineOrder } from './machine.ts'
import type { Claim } from './question.ts'
import type { WrittenMachine } from './render.ts'

/** What a person wants a machine to be, as far as it was said. */
export interface WantedOrder {
  readonly role?: Role | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly patches?: readonly string[] | undefined
}

/** What a machine becomes: what a person says, else what is written, else what it was, else what can be told from it. */
export function orderFor(
  wanted: WantedOrder,
  {
    written,
    before,
    claim,
    isTaken,
  }: {
    readonly written: WrittenMachine | undefined
    readonly before: MachineOrder | undefined
    readonly claim: Claim
    /** Whether another machine is a node of this name. */
    readonly isTaken: (name: string) => boolean
  },
): Omit<MachineOrder, 'role'> & { readonly role: Role | undefined } {
  const role = wanted.role ?? written?.role ?? before?.role
  return {
    role,
    name: wanted.name ?? written?.name ?? before?.name ?? defaultName(role, claim, isTaken),
    labels: { ...(written?.labels ?? before?.labels), ...wanted.labels },
    patches: wanted.patches ?? written?.patches ?? before?.patches ?? [],
  }
}

/** Its hostname, where DHCP has given it one that is its own; else its role and what is one of its own. */
function defaultName(
  role: Role | undefined,
  { hostname, mac, uuid }: Claim,
  isTaken: (name: string) => boolean,
): string {
  const given = hostname?.toLowerCase().split('.')[0]
  if (given !== undefined && nameFault(given) === undefined && given !== 'localhost' && !isTaken(given)) return given
  return `${role ?? 'worker'}-${(mac?.replaceAll(':', '') ?? uuid ?? '').slice(-6)}`
}

/** Why this can't be the name of a node; undefined where it can (RFC 1123 labels, as Kubernetes and Talos take them). */
export function nameFault(name: string): string | undefined {
  const isName = name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)
  return isName
    ? undefined
    : `${name} is not a name for a node: lower-case letters, digits and dashes, 63 at most, with a letter or a digit at both ends`
}

function labelFault({ labels }: MachineOrder): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    const why = labelKeyFault(key) ?? labelValueFault(value)
    if (why !== undefined) return `the label ${key}=${value} can't be: ${why}`
  }
  return undefined
}

export interface ApprovalFacts {
  readonly order: MachineOrder
  readonly written: WrittenMachine | undefined
  readonly evidence: readonly Evidence[]
  /** What was seen of the cluster just now; undefined where it could not be looked at. */
  readonly cluster: Pick<Cluster, 'nodes'> | undefined
  readonly machine: Machine
  /** Every other machine on record. */
  readonly others: readonly Machine[]
  /** Another machine is a node of that name. */
  readonly isTaken: boolean
  /** What was approved is over: it was restarted, and shows another code. */
  readonly isBegunAnew?: boolean
  /** It waits in maintenance, and its key was not seen yet. */
  readonly isKeyUnseen?: boolean
}

/** Why it can't be approved, whoever wants it; undefined where it can. */
export function whyImpossible({ order, cluster, machine, others, isBegunAnew }: ApprovalFacts): string | undefined {
  const { name } = order
  const fault = nameFault(name) ?? labelFault(order)
  if (fault !== undefined) return fault
  if (cluster?.nodes.some((node) => node.name === name && node.talos.ok))
    return `${name} is a node that answers: choose another name, or shut it down first`
  const rival = others.find(
    (other) =>
      other.approval?.order.name === name ||
      (other.order?.name === name &&
        (other.state === 'delivering' || other.state === 'delivered' || other.state === 'verified')),
  )
  if (rival) return `${rival.id} is to be ${name}: choose another name, or forget that machine first`
  if (machine.state === 'approved' && machine.approval && isBegunAnew !== true)
    return `it is approved as ${machine.approval.order.name} by ${machine.approval.by}: reject it first`
  return undefined
}

/** Why it should not be approved, a clause each, unless a person insists. */
export function whyDoubtful(facts: ApprovalFacts): readonly string[] {
  const { order, written, evidence, cluster, isTaken, isKeyUnseen } = facts
  const doubts = [
    ...(isKeyUnseen ? ['its key was not seen yet, so that it can not be compared: it is looked for every 5 s'] : []),
    ...(isTaken && !cluster ? [`${order.name} is a node, and the cluster could not be looked at: it may be up`] : []),
    ...(written?.role !== undefined && written.role !== order.role
      ? [`machines.yaml says that it is a ${written.role}`]
      : []),
  ]
  if (order.role !== 'controlplane') return doubts
  return [...doubts, ...ofQuorum(cluster), ...(isBorneOut(evidence) ? [] : withoutEvidence(evidence))]
}

function ofQuorum(cluster: ApprovalFacts['cluster']): readonly string[] {
  if (!cluster) return ['the cluster could not be looked at, and it may be whole']
  const controlPlanes = cluster.nodes.filter(({ configuredRole }) => configuredRole === 'controlplane')
  if (controlPlanes.length === 0 || !controlPlanes.every(isHealthy)) return []
  const names = listed(controlPlanes.map(({ name }) => name))
  return [
    `the cluster is whole with ${counted(controlPlanes.length, 'control plane')} (${names}), and another one changes what etcd needs for its quorum`,
  ]
}

function withoutEvidence(evidence: readonly Evidence[]): readonly string[] {
  return evidence.flatMap(({ kind, text }) => (kind === 'for' ? [] : [text]))
}
