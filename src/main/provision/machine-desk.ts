import type { Agent } from '../../agent.ts'
import type { Config } from '../../config/config.ts'
import type { Alerts } from '../../core/alert.ts'
import type { Cluster } from '../../core/cluster/cluster.ts'
import type { Journal } from '../../core/journal.ts'
import { knownMachines } from '../../core/netboot/machines.ts'
import type { Way } from '../../core/provision/question.ts'
import type { ConfigRenderer } from '../../core/provision/render.ts'
import { remembered } from '../../operations/facts.ts'
import type { BootKeeper } from '../../operations/netboot/keeper.ts'
import { createDesk, type MachineDesk } from '../../operations/provision/desk.ts'
import { createNeighbours } from '../../services/boot-files/neighbours.ts'

/** Between two looks at what has run out, or fallen silent, in ms. */
const looksEvery = 30_000

export interface DeskMeans {
  readonly agent: Pick<Agent, 'onLook' | 'now' | 'monotonic'>
  readonly journal: Journal
  readonly alerts: Alerts
  readonly config: () => Config
  readonly boots: Pick<BootKeeper, 'machines'>
  readonly renderer: ConfigRenderer
}

/** Decides about machines that ask for their configuration, for as long as the daemon runs. */
export function keepDesk({ agent, journal, alerts, config, boots, renderer }: DeskMeans): MachineDesk {
  /** Those that answered when the cluster was looked at last. */
  let up: ReadonlySet<string> = new Set()
  const desk = createDesk({
    journal,
    alerts,
    renderer,
    way: () => wayIn(config()),
    boots: () => [...boots.machines.values()].flat(),
    nodes: () => knownNodes(config(), journal, up),
    cardAt: createNeighbours(agent.monotonic).macOf,
    now: agent.now,
  })
  const subscription = agent.onLook((cluster) => void (up = namesOfThoseUp(cluster)))
  const looking = setInterval(desk.look, looksEvery).unref()
  return {
    ...desk,
    [Symbol.dispose]: () => {
      clearInterval(looking)
      subscription[Symbol.dispose]()
      desk[Symbol.dispose]()
    },
  }
}

function namesOfThoseUp({ nodes }: Cluster): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ name, talos }) => (talos.ok ? [name] : [])))
}

function knownNodes(config: Config, journal: Journal, up: ReadonlySet<string>) {
  const installed = remembered.netbootInstalled.recall(journal) ?? {}
  return knownMachines({ nodes: config.nodes, hosts: [] }).map(({ name, macs }) => ({
    name,
    macs,
    uuid: installed[name]?.uuid?.toLowerCase(),
    isUp: up.has(name),
  }))
}

/** The section of the service says how machines ask. */
function wayIn(config: Config): Way {
  const { machineConfig } = config as { readonly machineConfig?: { readonly way?: Way } }
  return machineConfig?.way ?? 'device-flow'
}
