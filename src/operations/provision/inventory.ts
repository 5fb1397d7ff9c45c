import type { Alerts } from '../../core/alert.ts'
import type { Journal } from '../../core/journal.ts'
import {
  type InventoryNode,
  inventoryKind,
  judgeJoining,
  nodeOf,
  type WrittenNode,
} from '../../core/provision/inventory.ts'
import type { Machine } from '../../core/provision/machine.ts'
import type { SeenMember } from '../../core/provision/seen.ts'

/** The machines that have joined the cluster by us, as nodes. */
export interface Inventory {
  nodes(): readonly InventoryNode[]
  /** Grows with each change. */
  readonly revision: number
  joined(machine: Machine, seen: SeenMember): void
  /** Undefined: there is no such node. */
  forget(name: string): InventoryNode | undefined
}

export interface InventoryMeans {
  readonly journal: Journal
  readonly alerts: Pick<Alerts, 'report'>
  /** Nodes as the configuration's file has them. */
  readonly written: () => readonly WrittenNode[]
  readonly now: () => Date
}

export function createInventory({ journal, alerts, written, now }: InventoryMeans): Inventory {
  const records = journal.records(inventoryKind)
  const known = new Map(records.newest(Number.MAX_SAFE_INTEGER).map((node) => [node.name, node]))
  let revision = 0

  /** A node of the file that is another machine now: until the file says so. */
  function tell(): void {
    for (const node of known.values()) {
      const joining = judgeJoining(node, written())
      alerts.report(
        `node.replaced:${node.name}`,
        joining.kind === 'replaced'
          ? {
              severity: 'info',
              subject: node.name,
              text: `${node.name} is another machine than the configuration says: ${joining.changes.join('; ')}`,
              action: '`caretaker machine export` prints what to write',
            }
          : undefined,
      )
    }
  }
  tell()

  return {
    nodes: () => [...known.values()],
    get revision() {
      return revision
    },
    joined(machine, seen) {
      const node = nodeOf(machine, seen, now().toISOString())
      if (!node) return
      const before = known.get(node.name)
      const joining = judgeJoining(node, written())
      if (joining.kind === 'known' && !before) return
      known.set(node.name, node)
      revision += 1
      records.save(node)
      const text =
        joining.kind === 'replaced'
          ? `${node.name} was replaced: ${joining.changes.join('; ')}`
          : `${node.name} is a node of the inventory: it is upgraded, shut down and woken like the others`
      journal.write({ kind: 'event', subject: node.name, text })
      tell()
    },
    forget(name) {
      const node = known.get(name)
      if (!node) return undefined
      known.delete(name)
      revision += 1
      records.remove(name)
      alerts.report(`node.replaced:${name}`, undefined)
      return node
    },
  }
}
