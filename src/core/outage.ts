import type { CriticalReason } from './power.ts'

/**
 * The record of one power cut, from the decision to shut down until the cluster is whole again. It is on the disk
 * before each call that can't be taken back, so that a new process can go on at the first step that isn't confirmed.
 */
export interface Outage {
  /** ISO 8601, and its name. */
  readonly startedAt: string
  readonly reason: CriticalReason
  /**
   * | stage    | means                                                       | power returns     |
   * |----------|-------------------------------------------------------------|-------------------|
   * | draining | nothing was shut down yet: everything can be taken back     | undo              |
   * | stopping | at least one node was told to shut down                     | stop there, wake  |
   * | stopped  | every node was told, and is down or was given up            | wake              |
   * | waking   | power is back, and nodes are being woken                    | go on             |
   * | over     | every node that was up before is back                       |                   |
   */
  readonly stage: 'draining' | 'stopping' | 'stopped' | 'waking' | 'over'
  readonly nodes: Readonly<Record<string, OutageNode>>
  readonly endedAt?: string
  /** ISO 8601: when every node had been told. */
  readonly stoppedAt?: string
  /** We have said LOGOUT to upsd: its primary need not wait for us. */
  readonly loggedOut?: true
}

export interface OutageNode {
  /** Whether it ran before: only such a node is woken afterwards. */
  readonly wasUp: boolean
  /** Whether it was healthy before: no more than that is asked of it afterwards. Absent: it was not looked at. */
  readonly wasHealthy?: boolean
  /** `unreached`: it answered nobody, so it was never told; it may be off, or cut off. */
  readonly state: 'up' | 'shutdown-sent' | 'unreached' | 'off' | 'abandoned' | 'wake-sent' | 'back'
}

export function beginOutage(
  startedAt: Date,
  reason: CriticalReason,
  nodes: readonly string[],
  wasUp: ReadonlySet<string>,
  wasHealthy?: ReadonlySet<string>,
): Outage {
  return {
    startedAt: startedAt.toISOString(),
    reason,
    stage: 'draining',
    nodes: Object.fromEntries(
      nodes.map((name) => [
        name,
        { wasUp: wasUp.has(name), ...(wasHealthy ? { wasHealthy: wasHealthy.has(name) } : {}), state: 'up' as const },
      ]),
    ),
  }
}

/** The outage with one node's state changed; a first `shutdown-sent` makes it `stopping`. */
export function withNodeState(outage: Outage, name: string, state: OutageNode['state']): Outage {
  const before = outage.nodes[name] ?? { wasUp: true, state: 'up' }
  const stage = state === 'shutdown-sent' ? 'stopping' : outage.stage
  return { ...outage, stage, nodes: { ...outage.nodes, [name]: { ...before, state } } }
}

/**
 * Names of the nodes that ran before the outage and are not back yet. One that was taken out of the inventory since is
 * nobody's to wait for.
 */
export function missingNodes(outage: Outage, inventory: readonly { readonly name: string }[]): string[] {
  return inventory
    .map(({ name }) => name)
    .filter((name) => {
      const node = outage.nodes[name]
      return node?.wasUp === true && node.state !== 'back'
    })
}

/** Whether any node was told to shut down: until then an outage is undone, not recovered from. */
export function wentDown(outage: Outage): boolean {
  return outage.stage !== 'draining'
}
