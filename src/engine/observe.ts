import {
  type Cluster,
  type KubernetesFacts,
  type Node,
  type Role,
  type Observed,
  observed,
  notObserved,
} from '../core/cluster/cluster.ts'
import { identify } from '../core/cluster/identity.ts'
import { eachAtOnce } from '../core/at-once.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadline } from './until.ts'

/** The nodes as configured. */
export type Inventory = readonly {
  readonly name: string
  readonly role: Role
  readonly mac?: string | readonly string[] | undefined
}[]

/** How long any one question may take, in ms: what does not answer by then is silent. */
export const question = 3_000

/** How many nodes are asked at the same time: each costs a TLS handshake, and a small machine has little memory. */
const atOnce = 32

/** Between two nodes of an unhurried look, and from its first node to its last one at most, in ms. */
const unhurried = { spacing: 70, within: 3_500 }

export interface LookLimits {
  /** The whole look takes no longer, in ms, and who has had no turn by then is silent too. */
  readonly within?: number | undefined
  /** Nobody waits for it: the nodes are asked one after the other, so that whoever else is served meanwhile is served at once. */
  readonly isUnhurried?: boolean | undefined
}

/** Observes every node, and Kubernetes once, all at the same time. Never fails: no answer is an observation. */
export async function observe(
  inventory: Inventory,
  ports: Pick<Ports, 'talos' | 'kubernetes'>,
  signal: AbortSignal,
  { within, isUnhurried = false }: LookLimits = {},
): Promise<Cluster> {
  const limited = within === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(within)])
  const [nodes, kubernetes, workloads] = await Promise.all([
    lookAtNodes(inventory, ports, limited, isUnhurried),
    ask(limited, (soon) => ports.kubernetes.version(soon)),
    ask(limited, (soon) => ports.kubernetes.workloads(soon)),
  ])
  signal.throwIfAborted()
  return { nodes, kubernetes, workloads }
}

export async function observeNode(
  name: string,
  inventory: Inventory,
  ports: Pick<Ports, 'talos' | 'kubernetes'>,
  signal: AbortSignal,
): Promise<Node> {
  const only = inventory.filter((node) => node.name === name)
  const [node] = await observeNodes(only, ports, signal)
  if (!node) throw new AgentError('misconfigured', `${name} is not a node of the configuration`)
  return node
}

/** The nodes alone, without what runs on them. */
export async function observeNodes(
  inventory: Inventory,
  ports: Pick<Ports, 'talos' | 'kubernetes'>,
  signal: AbortSignal,
): Promise<Node[]> {
  const nodes = await lookAtNodes(inventory, ports, signal)
  signal.throwIfAborted()
  return nodes
}

async function lookAtNodes(
  inventory: Inventory,
  ports: Pick<Ports, 'talos' | 'kubernetes'>,
  signal: AbortSignal,
  isUnhurried = false,
): Promise<Node[]> {
  const spacing = Math.min(unhurried.spacing, unhurried.within / inventory.length)
  const pause = isUnhurried ? () => sleep(spacing, undefined, { signal }).catch(() => {}) : undefined
  const [nodes, kubernetes] = await Promise.all([
    eachAtOnce(atOnce, inventory, ({ name }) => ask(signal, (soon) => ports.talos.observe(name, soon)), pause),
    ask(signal, (soon) => ports.kubernetes.nodes(soon)),
  ])
  return inventory.map(({ name, role: configuredRole }, index): Node => {
    const talos = nodes[index]!
    return {
      name,
      role: (talos.ok ? talos.value.machineType : undefined) ?? configuredRole,
      configuredRole,
      talos,
      kubernetes: factsOf(name, kubernetes),
      identity: identify(name, talos, kubernetes),
    }
  })
}

function factsOf(name: string, kubernetes: Observed<ReadonlyMap<string, KubernetesFacts>>): Observed<KubernetesFacts> {
  if (!kubernetes.ok) return kubernetes
  const facts = kubernetes.value.get(name)
  return facts ? observed(facts) : notObserved('there is no node of that name')
}

/**
 * Within so many ms a failure is a quick one, so that asking again costs little: of a node that is off or silent more
 * than that passes, or its refusal comes as quickly again.
 */
const quick = 500

/** A failure that passes and came at once counts only when it comes twice; both have the time of one question. */
function ask<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<Observed<T>> {
  return withDeadline(question, signal, async (soon) => {
    const began = performance.now()
    try {
      return await call(soon)
    } catch (error) {
      const passes = error instanceof AgentError && error.retryable
      if (!passes || soon.aborted || performance.now() - began > quick) throw error
      return call(soon)
    }
  }).then(observed, (error: unknown) => notObserved(messageOf(error)))
}
