import { createAlignment, type Alignment } from './homelab-alignment.ts'
import { createMachine, type MachineParts, type MachineShape } from './homelab-machines.ts'
import type { TalosNode } from './talos/node.ts'

/** The machines of a homelab, which the Kubernetes API is kept in line with. */
export interface Fleet extends Alignment {
  readonly nodes: readonly TalosNode[]
  /** Machines of the start, without power. */
  add(shapes: readonly MachineShape[]): void
  /** A machine that joins, in the place of one of the same name if there is one. */
  join(shape: MachineShape): TalosNode
}

/** `owner` ends what is made. */
export function createFleet(owner: () => AsyncDisposableStack, parts: Omit<MachineParts, 'peers'>): Fleet {
  const { etcd, kubernetes } = parts
  const nodes: TalosNode[] = []
  const alignment = createAlignment({ nodes, etcd, kubernetes })

  function make(shape: MachineShape): TalosNode {
    const node = owner().use(createMachine(shape, { ...parts, peers: nodes }))
    nodes.push(node)
    return node
  }

  function follow(node: TalosNode): void {
    owner().defer(node.onChange(alignment.align))
  }

  function register(node: TalosNode): void {
    kubernetes.addNode({ name: node.name, role: node.role, address: node.address })
    if (node.role === 'controlplane') kubernetes.runControlPlane(node.name)
    follow(node)
  }

  return {
    ...alignment,
    nodes,
    add: (shapes) => shapes.map(make).forEach(register),
    join(shape) {
      const before = nodes.findIndex(({ name }) => name === shape.name)
      if (before !== -1) nodes.splice(before, 1)
      const node = make(shape)
      if (before === -1) register(node)
      else follow(node)
      return node
    },
  }
}

/** Resolves when all of them are Ready. */
export function becomesReady(nodes: readonly TalosNode[]): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = []
    const look = () => {
      if (!nodes.every((node) => node.ready)) return
      for (const stop of stops) stop()
      resolve()
    }
    for (const node of nodes) stops.push(node.onChange(look))
    look()
  })
}
