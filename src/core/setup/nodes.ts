import type { Role } from '../cluster/cluster.ts'
import { chooseMacs } from './macs.ts'
import type { ClusterMember, SeenNode, SurveyedMachine } from './seen.ts'

/** An address that was asked, and what came of it. */
export interface Surveyed {
  readonly address: string
  readonly machine: SurveyedMachine | undefined
  /** Why it did not answer. */
  readonly trouble?: string | undefined
}

/** Who else is to be asked: a node by its name, with the addresses to try, the best first. */
export interface Candidate {
  readonly name: string
  readonly role: Role | undefined
  readonly addresses: readonly string[]
  /** Whether Kubernetes knows it: discovery goes on naming a machine for half an hour that is gone. */
  readonly isRegistered: boolean
}

/**
 * The nodes that there are: those that Kubernetes knows, with the addresses that it has for them first, and those that
 * only discovery knows.
 */
export function findCandidates(
  kubernetes: readonly ClusterMember[],
  discovered: readonly ClusterMember[],
): readonly Candidate[] {
  const names = [...new Set([...kubernetes, ...discovered].map(({ name }) => name))]
  return names.map((name) => {
    const ofKubernetes = kubernetes.filter((one) => one.name === name)
    const all = [...ofKubernetes, ...discovered.filter((one) => one.name === name)]
    return {
      name,
      role: all.find(({ role }) => role !== undefined)?.role,
      addresses: [...new Set(all.flatMap(({ addresses }) => addresses))],
      isRegistered: ofKubernetes.length > 0,
    }
  })
}

/** What is known of each node after all were asked. */
export interface NodesFound {
  readonly nodes: readonly SeenNode[]
  readonly remarks: readonly string[]
}

/**
 * The nodes for the configuration. A machine that answers at several addresses (a virtual one among them) is one node, at
 * the address that Kubernetes or discovery has for it. `first` are the talosconfig's own addresses, `later` the answers
 * of the candidates, by name.
 */
export function uniteNodes(
  first: readonly Surveyed[],
  candidates: readonly Candidate[],
  later: ReadonlyMap<string, Surveyed>,
): NodesFound {
  const remarks: string[] = []
  const nodes: SeenNode[] = []
  for (const { name, role, addresses, isRegistered } of candidates) {
    const answer = later.get(name)
    const runsAs = answer?.machine?.role ?? role
    const address = answer?.address ?? addresses[0]
    if (answer?.machine === undefined && !isRegistered) {
      remarks.push(
        `${name} is left out: discovery still names it, but it does not answer, and Kubernetes does not know it`,
      )
    } else if (address === undefined || runsAs === undefined) {
      remarks.push(`${name} is left out: nobody tells its ${address === undefined ? 'address' : 'role'}`)
    } else nodes.push(nodeOf({ name, role: runsAs, address }, answer))
  }
  for (const { address, machine } of first) {
    if (machine === undefined || isAmong(machine, nodes)) continue
    const { name, role } = machine
    if (name === undefined || role === undefined)
      remarks.push(`${address} is left out: it does not tell its ${name === undefined ? 'name' : 'role'}`)
    else nodes.push(nodeOf({ name, role, address }, { machine }))
  }
  return { nodes: nodes.toSorted(byRoleAndName), remarks }
}

function nodeOf(
  known: Pick<SeenNode, 'name' | 'role' | 'address'>,
  { machine, trouble }: Pick<Surveyed, 'machine' | 'trouble'> = { machine: undefined },
): SeenNode {
  const macs = machine === undefined ? [] : chooseMacs(machine.links, known.address)
  return { ...known, macs, machine, ...(trouble === undefined ? {} : { trouble }) }
}

function isAmong({ machineId, name }: SurveyedMachine, nodes: readonly SeenNode[]): boolean {
  return nodes.some((node) => node.name === name || (machineId !== undefined && node.machine?.machineId === machineId))
}

/** Control planes first; numbers by their value, `w-10` after `w-9`. */
function byRoleAndName(one: SeenNode, other: SeenNode): number {
  if (one.role !== other.role) return one.role === 'controlplane' ? -1 : 1
  return compareNames(one.name, other.name)
}

function compareNames(one: string, other: string): number {
  const parts = (text: string) => text.split(/(\d+)/)
  const [mine, theirs] = [parts(one), parts(other)]
  for (let index = 0; index < Math.min(mine.length, theirs.length); index++) {
    const [a, b] = [mine[index]!, theirs[index]!]
    if (a === b) continue
    const isNumber = /^\d/.test(a) && /^\d/.test(b)
    if (isNumber && Number(a) !== Number(b)) return Number(a) - Number(b)
    return a < b ? -1 : 1
  }
  return mine.length - theirs.length
}
