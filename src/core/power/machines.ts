import type { Role } from '../cluster/cluster.ts'
import { failureOf, type Feed, type Power } from './feeds.ts'
import type { CriticalReason } from './triggers.ts'

/**
 * The order of shutdown. On the way back the NAS comes first, then control planes and everything else. The machine
 * that Caretaker runs on goes last, whatever else it is, because it requests the others' shutdown.
 */
export type Tier = 'workers' | 'storage-nodes' | 'control-planes' | 'hosts' | 'nas' | 'own-machine'

export const tiers: readonly Tier[] = ['workers', 'storage-nodes', 'control-planes', 'hosts', 'nas', 'own-machine']

/** A node or another host, as the power sees it. Durations in ms. */
export interface Machine {
  readonly name: string
  readonly kind: 'node' | 'host'
  readonly tier: Tier
  readonly feed: Feed | undefined
  /** How long it may take from the request to shut down until it is off. */
  readonly stops: number
  /** Whether magic packets can wake it. */
  readonly hasMac: boolean
  /** What else switches it on is tried after so long; undefined where there is nothing else. */
  readonly powerOnAfter: number | undefined
}

/** What of the configuration is about machines. */
export interface MachineSettings {
  readonly nodes: readonly (Common & { readonly role: Role; readonly storage: boolean })[]
  readonly hosts: readonly (Common & { readonly nas: boolean; readonly shutdownTimeout: number })[]
  readonly power: { readonly shutdownTimeout: number }
}

interface Common {
  readonly name: string
  readonly mac?: string | readonly string[] | undefined
  readonly feed?: Feed | undefined
  readonly wake?: { readonly powerOn?: unknown; readonly powerOnAfter: number } | undefined
}

/** All of them; `own` is the name of the one that we run on, if any. */
export function machinesOf({ nodes, hosts, power }: MachineSettings, own?: string): readonly Machine[] {
  const tierOf = (name: string, tier: Tier): Tier => (name === own ? 'own-machine' : tier)
  const common = ({ name, mac, feed, wake }: Common) => ({
    name,
    feed,
    hasMac: mac !== undefined,
    powerOnAfter: wake?.powerOn === undefined ? undefined : wake.powerOnAfter,
  })
  return [
    ...nodes.map((node): Machine => {
      const tier = node.role === 'controlplane' ? 'control-planes' : node.storage ? 'storage-nodes' : 'workers'
      return { ...common(node), kind: 'node', tier: tierOf(node.name, tier), stops: power.shutdownTimeout }
    }),
    ...hosts.map((host): Machine => {
      return {
        ...common(host),
        kind: 'host',
        tier: tierOf(host.name, host.nas ? 'nas' : 'hosts'),
        stops: host.shutdownTimeout,
      }
    }),
  ]
}

/** Those that are about to lose their power, and why. */
export function failingMachines(
  machines: readonly Machine[],
  power: Power,
): readonly { readonly machine: Machine; readonly reason: CriticalReason }[] {
  return machines.flatMap((machine) => {
    const reason = failureOf(machine.feed, power)
    return reason === undefined ? [] : [{ machine, reason }]
  })
}
