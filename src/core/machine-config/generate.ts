import type { MachineConfig } from './document.ts'
import { generateDocuments } from './generate-documents.ts'
import { generateLegacy } from './generate-legacy.ts'
import { type Contract, contracts, type Origin } from './origin.ts'

/**
 * The newest contract that all of these releases read, each as `1.13`: the release that is booted, and the one that is
 * wanted. Undefined where one is older than every contract here.
 */
export function contractFor(minors: readonly string[]): Contract | undefined {
  const number = (minor: string) => Number(minor.split('.')[0]) * 1_000 + Number(minor.split('.')[1])
  return contracts.findLast((contract) => minors.every((minor) => number(minor) >= number(contract)))
}

/**
 * A machine configuration as `talosctl gen config` makes it for a contract (siderolabs/talos,
 * pkg/machinery/config/generate).
 */
export function generateConfig(origin: Origin, contract: Contract): MachineConfig {
  return contract === '1.14' ? generateDocuments(origin) : generateLegacy(origin, contract)
}
