import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import type { Config } from '../config/config.ts'
import type { Journal } from '../core/journal.ts'
import { remembered } from '../operations/facts.ts'
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
 * The machine of these that this process runs on: it can't take away the ground that it stands on. Known by an address
 * of this machine, by its name, or, in a pod, by NODE_NAME (Kubernetes' downward API, spec.nodeName).
 */
export function findOwnMachine(
  machines: readonly Pick<Config['nodes'][number], 'name' | 'address'>[],
  environment: Environment,
  machine: { readonly hostname: string; readonly addresses: readonly string[] } = thisMachine(),
): string | undefined {
  const named = environment['NODE_NAME']
  return machines.find(
    ({ name, address }) => name === named || name === machine.hostname || machine.addresses.includes(address),
  )?.name
}

/** New at every boot of this machine, of a container's host too; undefined where the system doesn't tell (Linux random(4)). */
export async function readBootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return text.trim() || undefined
}

function thisMachine(): { hostname: string; addresses: string[] } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  return { hostname: hostname(), addresses }
}
