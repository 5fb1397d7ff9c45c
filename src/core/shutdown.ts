import type { Node } from './cluster.ts'
import { missingNodes, type Outage, wentDown } from './outage.ts'
import { bestEffort, phase, type Plan, type Step } from './plan.ts'

/** Durations in ms. */
export interface ShutdownPolicy {
  /** The longest that pods get to leave. */
  readonly drain: number
  /** How long a node may take from being told until it is off. */
  readonly nodeStops: number
  /** Kept back from what the UPS says is left. */
  readonly reserve: number
  /** What is assumed to be left where the UPS doesn't say. */
  readonly assumedRuntime: number
}

/** An API server that is well answers in milliseconds; one that is away must not cost more of the battery, in ms. */
export const cordonWithin = 5_000

export interface ShutdownPlan {
  readonly form: 'ordered' | 'short'
  /** Why this form, for the journal. */
  readonly reason: string
  /** Everything in here can be taken back. */
  readonly reversible: Plan
  readonly irreversible: Plan
}

/**
 * Plans from the inventory and the outage's record, not from what Kubernetes says: its API may be the first to go.
 * Everything is cordoned at once, or pods that are drained would land on nodes that go next. Then workers, all together;
 * then the control planes, last and together. With too little battery left every node is told at once.
 *
 * Nodes are always told with `force`: we have drained, and Talos' own drain would wait for an API server that may be
 * gone, fail after a minute, and then cut the node off without stopping its pods
 * (siderolabs/talos internal/app/machined v1alpha1_sequencer.go). A node that hangs holds up no other.
 *
 * `left` is what the battery has left in ms; undefined where the UPS doesn't say.
 */
export function planShutdown(
  inventory: readonly Pick<Node, 'name' | 'role'>[],
  outage: Outage,
  left: number | undefined,
  policy: ShutdownPolicy,
  now: Date,
): ShutdownPlan {
  const stillUp = inventory.filter(({ name }) => {
    const state = outage.nodes[name]?.state
    // What could not be reached is looked at again, and is up when it answers.
    return state !== 'off' && state !== 'abandoned' && (state !== 'unreached' || outage.stage !== 'stopped')
  })
  const budget = (left ?? policy.assumedRuntime) - policy.reserve
  const toStop = 2 * policy.nodeStops
  // What it takes to give a node the order is part of the time that it may take.
  const orderWithin = Math.min(5_000, policy.nodeStops / 2)
  const forDraining = Math.min(policy.drain, budget - toStop - cordonWithin)

  const shutDown = ({ name }: { name: string }): Step => ({
    do: 'shut-down',
    node: name,
    force: true,
    within: orderWithin,
  })
  const awaitDown = ({ name }: { name: string }): Step => ({
    do: 'await-down',
    node: name,
    within: policy.nodeStops - orderWithin,
  })
  const workers = stillUp.filter((node) => node.role === 'worker')
  const controlPlanes = stillUp.filter((node) => node.role === 'controlplane')
  const said =
    left === undefined
      ? 'the UPS does not say how long the battery lasts'
      : `the battery has ${Math.round(left / 1_000)} s left`

  if (budget < toStop) {
    return {
      form: 'short',
      reason: `${said}, and stopping in order needs ${Math.round((toStop + policy.reserve) / 1_000)} s: every node is told at once`,
      reversible: [],
      irreversible: phases(['everything', stillUp.map(shutDown)], ['everything down', stillUp.map(awaitDown)]),
    }
  }

  const mark = { why: 'power', at: now.toISOString() } as const
  const drain = ({ name }: { name: string }): Step => ({
    do: 'drain',
    node: name,
    within: forDraining,
    // With every node cordoned, a disruption budget that refuses will refuse for ever.
    policy: { deleteAfter: Math.round(forDraining / 4), maxGrace: forDraining },
  })
  const worthDraining = forDraining >= Math.min(policy.drain, 5_000) && outage.stage === 'draining'
  return {
    form: 'ordered',
    reason: worthDraining
      ? `${said}: pods get ${Math.round(forDraining / 1_000)} s to leave`
      : `${said}: ${outage.stage === 'draining' ? 'no time to drain' : 'going on where it was left'}`,
    reversible: worthDraining
      ? phases(
          ['cordon', inventory.map(({ name }) => ({ do: 'cordon', node: name, mark, within: cordonWithin }))],
          ['drain', stillUp.map(drain)],
        )
      : [],
    irreversible: phases(
      ['workers', workers.map(shutDown)],
      ['workers down', workers.map(awaitDown)],
      ['control planes', controlPlanes.map(shutDown)],
      ['control planes down', controlPlanes.map(awaitDown)],
    ),
  }
}

/** Times in ms; how waking a cluster is gone about. */
export interface WakePolicy {
  /** Mains must have been there for this long. */
  readonly stableFor: number
  /** And the battery be charged this far, in %. */
  readonly minimumCharge: number
  /** A magic packet is sent again after this time. */
  readonly retryEvery: number
  /** A node that has not come up by then is a person's business. */
  readonly giveUpAfter: number
}

/**
 * Brings back what was up before, and nothing else: each node by itself, so that a dead one holds up no other; workers
 * once the API server answers. Where nothing went down our cordons are all there is to take away.
 */
export function planWake(
  inventory: readonly (Pick<Node, 'name' | 'role'> & { readonly mac?: string | undefined })[],
  outage: Outage,
  policy: WakePolicy,
): Plan {
  const missing = new Set(wentDown(outage) ? missingNodes(outage, inventory) : [])
  const toWake = inventory.filter(({ name }) => missing.has(name))
  const others = inventory.filter(({ name }) => !missing.has(name))
  return phases(
    [
      'bring back',
      toWake.map(({ name, role, mac }) => ({
        do: 'bring-back',
        node: name,
        mac,
        afterKubernetes: role === 'worker',
        ready: outage.nodes[name]?.wasHealthy !== false,
        retryEvery: policy.retryEvery,
        within: policy.giveUpAfter,
      })),
    ],
    ['uncordon', others.map(({ name }) => ({ do: 'uncordon', node: name, why: 'power' }))],
    ['log in', [{ do: 'log-in-to-ups' }]],
  )
}

/** Best-effort phases, without those that have nothing to do. */
function phases(...list: readonly (readonly [string, readonly Step[]])[]): Plan {
  return list.filter(([, steps]) => steps.length > 0).map(([name, steps]) => bestEffort(phase(name, ...steps)))
}
