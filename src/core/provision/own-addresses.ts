import type { MachineConfig } from '../machine-config/document.ts'
import { isMapping, type Value } from '../machine-config/tree.ts'

/** So many are looked at for a machine. */
const most = 8

/** Settings that hold addresses of a machine itself: of interfaces in the document without a kind, and of `LinkConfig` and its like. */
const settings = new Set(['address', 'addresses', 'cidr'])

/**
 * The addresses that a machine gives itself by this configuration, without their prefixes: it answers there, and no more
 * where it asked from. A virtual IP has no prefix, and is left out: any control plane may answer there.
 */
export function ownAddresses(config: MachineConfig): readonly string[] {
  const found = (value: Value, key: string): readonly string[] => {
    if (typeof value === 'string') return settings.has(key) ? addressOf(value) : []
    if (Array.isArray(value)) return (value as readonly Value[]).flatMap((one) => found(one, key))
    return isMapping(value) ? Object.entries(value).flatMap(([name, one]) => found(one, name)) : []
  }
  return [...new Set(config.flatMap((document) => found(document, '')))].slice(0, most)
}

/** Of `192.168.0.5/24`. */
function addressOf(text: string): readonly string[] {
  const [, address] = /^([0-9a-fA-F.:]{2,45})\/[0-9]{1,3}$/.exec(text) ?? []
  return address === undefined || /^(127\.|169\.254\.|::1$|fe80:)/i.test(address) ? [] : [address]
}
