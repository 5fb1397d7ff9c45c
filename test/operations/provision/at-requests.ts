import { parseConfig } from '../../../src/config/config.ts'
import type { Cluster } from '../../../src/core/cluster/cluster.ts'
import type { Journal } from '../../../src/core/journal.ts'
import type { Boot } from '../../../src/core/netboot/boots.ts'
import type { ApproveMachine } from '../../../src/core/provision/requests.ts'
import { createInventory } from '../../../src/operations/provision/inventory.ts'
import { createMachineRequests, type MachineMeans } from '../../../src/operations/provision/requests.ts'
import { createWaitingRoom } from '../../../src/operations/provision/waiting-room.ts'
import { clusterOf, controlPlane } from '../../core/cluster/nodes.ts'
import { address, loadsImage, mac } from '../../fakes/machines.ts'
import { asked } from '../../fakes/person.ts'
import { openDesk, start } from './at-desk.ts'

const config = parseConfig(
  `schematic: homelab
share: { directory: share }
nodes: [{ name: cp-1, role: controlplane, address: 192.168.0.2 }]`,
  'test.yaml',
)

/** A desk with a machine that is what it says, and a person before it. */
export function openRequests({
  cluster = clusterOf(controlPlane('cp-1', ['cp-1'])),
  journal,
}: { cluster?: Cluster | 'away'; journal?: (now: () => Date) => Journal } = {}) {
  const it = openDesk(journal === undefined ? {} : { journal })
  it.world.boots = [loadsImage(new Date(start).toISOString())]
  it.world.cards.set(address, mac)
  const seenBooting = new Map<string, readonly Boot[]>()
  const room = createWaitingRoom(it.now)
  const means = {
    desk: it.desk,
    renderer: it.renderer,
    room,
    inventory: createInventory({
      journal: it.journal,
      alerts: it.alerts,
      written: () => config.nodes,
      now: it.now,
    }),
    boots: { machines: seenBooting },
    agent: {
      observe: async () => {
        if (cluster === 'away') throw new Error('no route')
        return cluster
      },
    },
    ports: { journal: it.journal },
    config: () => config,
    now: it.now,
  } as unknown as MachineMeans
  const requests = createMachineRequests(means)
  return {
    ...it,
    seenBooting,
    room,
    requests,
    code: () => it.desk.machines()[0]!.claimants[0]!.code,
    approve: (request: Partial<ApproveMachine> = {}) =>
      requests.approve({ machine: mac, role: 'worker', force: false, ...request }, asked()),
  }
}
