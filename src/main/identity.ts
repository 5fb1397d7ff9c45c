import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import type { Config } from '../config/config.ts'
import type { Journal } from '../core/journal.ts'
import { remembered } from '../operations/facts.ts'
import type { Environment } from './settings.ts'

/** This agent's holder identity in the cluster's Lease: the host name and a random suffix. */
export function holderOf(journal: Journal): string {
  const known = remembered.agentId.recall(journal)
  if (known !== undefined) return known
  const id = `caretaker-${hostname()}-${randomBytes(4).toString('hex')}`
  remembered.agentId.remember(journal, id)
  return id
}

/**
 * The configured machine that this process runs on, if any. Found by an address of this machine, by its host name, or,
 * in a pod, by NODE_NAME (Kubernetes' downward API, spec.nodeName).
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

/** The boot id of this machine or of the container's host; undefined where there is none (Linux random(4)). */
export async function readBootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return text.trim() || undefined
}

function thisMachine(): { hostname: string; addresses: string[] } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  return { hostname: hostname(), addresses }
}
