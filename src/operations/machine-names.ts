import type { Config } from '../config/config.ts'
import type { Journal } from '../core/journal.ts'
import { findRenames, type NamedMachine, renameMachines } from '../core/power/renames.ts'
import { remembered } from './facts.ts'

/**
 * Compares the names of machines with those at the last start. A restart with another name in the middle of an outage
 * would else leave its machine off for ever: the record knows it by the former one.
 */
export function followRenames(journal: Journal, { nodes, hosts }: Pick<Config, 'nodes' | 'hosts'>): void {
  const now: readonly NamedMachine[] = [...nodes, ...hosts].map(({ name, address, mac }) => ({
    name,
    address,
    macs: [mac].flat().filter((one) => one !== undefined),
  }))
  const before = remembered.machines.recall(journal)
  if (JSON.stringify(before) === JSON.stringify(now)) return
  const renames = findRenames(before ?? [], now)
  const open = journal.openOutage()
  if (open && renames.size > 0) {
    journal.saveOutage(renameMachines(open, renames))
    for (const [former, name] of renames)
      if (open.nodes[former])
        journal.write({
          kind: 'event',
          subject: name,
          text: `${former} is called ${name} now, also in the open outage`,
        })
  }
  remembered.machines.remember(journal, now)
}
