import type { ScaledWorkload, StorageSetting } from '../cluster/workload.ts'
import type { OutageReason } from './triggers.ts'

/**
 * The record of one power cut, from the first thing that was done because of it until the cluster is whole again. It is
 * on the disk before each call that can't be undone, so that a new process can continue at the first step that isn't
 * confirmed.
 */
export interface Outage {
  /** ISO 8601, and its name. */
  readonly startedAt: string
  readonly reason: OutageReason
  /**
   * | stage    | means                                                        | power returns    |
   * |----------|--------------------------------------------------------------|------------------|
   * | shedding | the battery is used, and workloads were scaled down early    | scale back       |
   * | draining | nothing was shut down yet: everything can be undone          | undo             |
   * | stopping | at least one shutdown was requested                          | stop there, wake |
   * | stopped  | all shutdowns were requested; machines are down or abandoned | wake             |
   * | waking   | power is back, and machines are being woken                  | continue         |
   * | over     | every machine that was up before is back                     |                  |
   */
  readonly stage: 'shedding' | 'draining' | 'stopping' | 'stopped' | 'waking' | 'over'
  /** Nodes and hosts that lose their power, by name. */
  readonly nodes: Readonly<Record<string, OutageNode>>
  readonly endedAt?: string
  /** ISO 8601: when all shutdowns had been requested, and when mains power was considered back. */
  readonly stoppedAt?: string | undefined
  readonly wokenAt?: string | undefined
  /** We have sent LOGOUT to upsd: its primary need not wait for us. */
  readonly loggedOut?: true | undefined
  /** Workloads as they were before they were scaled to zero. Absent: they are still to be looked at. */
  readonly scaled?: readonly ScaledWorkload[]
  /** The same for storage systems' settings. */
  readonly storage?: readonly StorageSetting[]
  /** Storage did not become whole within its limit: its settings were put back all the same, and it is waited for no longer. */
  readonly storageGivenUp?: true | undefined
  /** Labels of the UPSes that were critical. Absent in older records: any may have been. */
  readonly upses?: readonly string[]
  /** Boot id of the machine that wrote this: a different one means that its power has failed and is back. */
  readonly bootId?: string
  /** UPSes that were commanded to switch off their outlets, and when, ISO 8601. */
  readonly cut?: Readonly<Record<string, string>> | undefined
}

/**
 * | state         | means                                                                       |
 * |---------------|-----------------------------------------------------------------------------|
 * | up            | nothing was done to it yet, or it has come up by itself                     |
 * | drained       | its pods have had their time to leave, if there was any                     |
 * | shutdown-sent | its shutdown is being requested, or was                                     |
 * | unreached     | it could not be reached, so its shutdown was never requested; it may be off |
 * | off           | its shutdown was requested, and it is silent                                |
 * | abandoned     | its shutdown was requested, and it did not stop in time                     |
 * | wake-sent     | it is being woken                                                           |
 * | back          | it is up, and as healthy as before                                          |
 */
export interface OutageNode {
  /** Whether it ran before: only such a machine is woken afterwards. */
  readonly wasUp: boolean
  /** Whether it was healthy before: no more is required of it afterwards. Absent: not observed. */
  readonly wasHealthy?: boolean
  readonly state: 'up' | 'drained' | 'shutdown-sent' | 'unreached' | 'off' | 'abandoned' | 'wake-sent' | 'back'
  /** When it came into some of these states, ISO 8601: for the summary, and never for a decision. */
  readonly at?: Readonly<Partial<Record<OutageNode['state'], string>>>
}

export function beginOutage(startedAt: Date, reason: OutageReason, stage: Outage['stage'] = 'draining'): Outage {
  return { startedAt: startedAt.toISOString(), reason, stage, nodes: {} }
}

/** With machines that were not in it yet. */
export function withMachines(
  outage: Outage,
  names: readonly string[],
  wasUp: ReadonlySet<string>,
  wasHealthy?: ReadonlySet<string>,
): Outage {
  const added = names.map((name): [string, OutageNode] => [
    name,
    {
      state: 'up',
      ...outage.nodes[name],
      wasUp: wasUp.has(name),
      ...(wasHealthy ? { wasHealthy: wasHealthy.has(name) } : {}),
    },
  ])
  return { ...outage, nodes: { ...outage.nodes, ...Object.fromEntries(added) } }
}

/** The outage with one machine's state changed; a first `shutdown-sent` makes it `stopping`. */
export function withNodeState(outage: Outage, name: string, state: OutageNode['state'], now?: Date): Outage {
  const before = outage.nodes[name] ?? { wasUp: true, state: 'up' }
  const stage = state === 'shutdown-sent' ? 'stopping' : outage.stage
  const at = now ? { at: { ...before.at, [state]: now.toISOString() } } : {}
  return { ...outage, stage, nodes: { ...outage.nodes, [name]: { ...before, state, ...at } } }
}

/** The outage with a machine that was up when it began, whatever was seen of it then: it is woken afterwards. */
export function withProofOfLife(outage: Outage, name: string): Outage {
  const node = outage.nodes[name]
  if (!node || node.wasUp) return outage
  return { ...outage, nodes: { ...outage.nodes, [name]: { ...node, wasUp: true } } }
}

/** The outage where nothing of these machines is drained any more: what was not has had its chance. */
export function withoutDrains(outage: Outage, machines: readonly { readonly name: string }[]): Outage {
  const up = machines.filter(({ name }) => outage.nodes[name]?.state === 'up')
  const nodes = up.map(({ name }) => [name, { ...outage.nodes[name]!, state: 'drained' as const }])
  return up.length === 0 ? outage : { ...outage, nodes: { ...outage.nodes, ...Object.fromEntries(nodes) } }
}

/**
 * Names of the machines that ran before the outage and are not back yet. One that was taken out of the inventory since
 * is not waited for.
 */
export function missingNodes(outage: Outage, inventory: readonly { readonly name: string }[]): string[] {
  return inventory
    .map(({ name }) => name)
    .filter((name) => {
      const node = outage.nodes[name]
      return node?.wasUp === true && node.state !== 'back'
    })
}

/** Whether any shutdown was requested: until then an outage is undone, not recovered from. */
export function wentDown({ stage }: Pick<Outage, 'stage'>): boolean {
  return stage !== 'draining' && stage !== 'shedding'
}
