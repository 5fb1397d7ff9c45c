import type { KubernetesFacts } from '../../src/core/cluster/cluster.ts'
import type { FakeWorld } from './homelab.ts'
import type { FakeMachine } from './machine.ts'

const month = 30 * 86_400_000

/** Since when nodes are not Ready, as the node controller notices it; what it never saw Ready was so from the beginning. */
export function watchReady(world: Pick<FakeWorld, 'machines' | 'now'>) {
  const { machines } = world
  const since = new Map<string, { ready: boolean; at: number }>()
  const look = ({ name, up, stage, kubeletIll }: FakeMachine) => {
    const ready = up && stage === 'running' && !kubeletIll
    const before = since.get(name)
    if (before?.ready !== ready) since.set(name, { ready, at: world.now() - (before ? 0 : month) })
    return since.get(name)!
  }
  return (machine: FakeMachine): Pick<KubernetesFacts, 'ready' | 'notReadySince'> => {
    for (const one of machines.values()) look(one)
    const { ready, at } = look(machine)
    return ready ? { ready } : { ready, notReadySince: at }
  }
}
