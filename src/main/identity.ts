import { randomBytes } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { Config } from '../config.ts'
import type { Journal } from '../core/journal.ts'
import { remembered } from '../core/target.ts'
import type { Environment } from './settings.ts'

/** The name by which this agent holds the cluster's Lease: the machine's, and a part that no other agent has. */
export function holderOf(journal: Journal): string {
  const known = remembered.agentId.recall(journal)
  if (known !== undefined) return known
  const id = `caretaker-${hostname()}-${randomBytes(4).toString('hex')}`
  remembered.agentId.remember(journal, id)
  return id
}

/**
 * The node of the cluster that this process runs on: it can't reboot the ground that it stands on. Known by an address
 * of this machine, by its name, or, in a pod, by NODE_NAME (Kubernetes' downward API, spec.nodeName).
 */
export function findOwnNode(
  nodes: Config['nodes'],
  environment: Environment,
  machine: { readonly hostname: string; readonly addresses: readonly string[] } = thisMachine(),
): string | undefined {
  const named = environment['NODE_NAME']
  return nodes.find(
    ({ name, address }) => name === named || name === machine.hostname || machine.addresses.includes(address),
  )?.name
}

function thisMachine(): { hostname: string; addresses: string[] } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  return { hostname: hostname(), addresses }
}
