import type { InventoryNode } from '../core/provision/inventory.ts'
import type { Config } from './config.ts'
import { node as nodeSchema } from './machine.ts'

/**
 * The configuration with the machines that have joined: those that it does not name, and the address and cards that a node of
 * its has now. What is written stays as it is otherwise.
 */
export function withInventory(config: Config, inventory: readonly InventoryNode[]): Config {
  if (inventory.length === 0) return config
  const known = new Map(inventory.map((node) => [node.name, node]))
  const hosts = new Set(config.hosts.map(({ name }) => name))
  const taken = new Set([...config.nodes, ...config.hosts].map(({ address }) => address))
  const written = config.nodes.map((one) => {
    const joined = known.get(one.name)
    // Its role decides over quorum: only a person changes it.
    if (!joined || joined.role !== one.role) return one
    const mac = joined.macs.length > 0 ? [...joined.macs] : one.mac
    return { ...one, address: joined.address, ...(mac === undefined ? {} : { mac }) }
  })
  const added = inventory.flatMap(({ name, role, address, macs }) => {
    if (config.nodes.some((one) => one.name === name) || hosts.has(name) || taken.has(address)) return []
    const read = nodeSchema.safeParse({ name, role, address, ...(macs.length > 0 ? { mac: macs } : {}) })
    return read.success ? [{ ...read.data, feed: feedOf(config) }] : []
  })
  return { ...config, nodes: [...written, ...added] }
}

/** What supplies a machine of which nothing is said. */
function feedOf({ power, upses }: Config): Config['nodes'][number]['feed'] {
  const [first, ...others] = upses
  const only = first && others.length === 0 ? { powerValue: { [first.label]: 1 }, minSupplies: 1 } : undefined
  return power.feed ?? only
}
