import type { AcceptedWarning } from '../cluster/cluster.ts'
import type { Machine } from './machines.ts'
import { missingNodes, type Outage, wentDown } from './outage.ts'
import { bestEffort, phase, type Plan, type Step } from '../plan.ts'
import { apiWithin } from './shutdown.ts'

/** Times in ms; how waking a cluster is gone about. */
export interface WakePolicy {
  /** Mains must have been there for this long. */
  readonly stableFor: number
  /** And the battery be charged this far, in %. */
  readonly minimumCharge: number
  /** A magic packet is sent again after this time. */
  readonly retryEvery: number
  /** A machine that has not come up by then is a person's business. */
  readonly giveUpAfter: number
  /** Warnings of storage that are not waited for. */
  readonly acceptedStorage?: readonly AcceptedWarning[]
}

/** Storage that has not become whole by then holds up workloads no longer, in ms. */
const storageWithin = 5 * 60_000

/**
 * Brings back what was up before, and nothing else: the NAS first, because nodes boot and mount from it; then each
 * machine by itself, so that a dead one holds up no other; workers once the API server answers. Then storage systems may
 * copy data about again, and workloads get their replicas back. Where nothing went down this undoes what was done.
 *
 * `powered` are names of the machines that have their power: the others are left as they are. `upses` are those to be
 * logged in to again.
 */
export function planWake(
  machines: readonly Machine[],
  outage: Outage,
  powered: ReadonlySet<string>,
  upses: Iterable<string>,
  policy: WakePolicy,
): Plan {
  const here = machines.filter(({ name }) => powered.has(name))
  const missing = new Set(wentDown(outage) ? missingNodes(outage, here) : [])
  const toWake = here.filter(({ name }) => missing.has(name))
  const others = here.filter(({ name, kind }) => kind === 'node' && !missing.has(name))
  const wake = ({ name, kind, tier, hasMac, powerOnAfter, stops }: Machine): Step => {
    const { retryEvery, giveUpAfter: within } = policy
    const waking = { hasMac, powerOnAfter, retryEvery, within }
    const { state } = outage.nodes[name] ?? {}
    const mayStop = state === 'shutdown-sent' || state === 'abandoned'
    if (kind === 'host')
      return { do: 'bring-back-host', host: name, ...(mayStop ? { stopsWithin: 2 * stops } : {}), ...waking }
    const ready = outage.nodes[name]?.wasHealthy !== false
    return { do: 'bring-back', node: name, afterKubernetes: tier !== 'control planes', ready, ...waking }
  }
  // What the flags keep from moving is there again, or has been given up.
  const whole = isWhole(machines, outage, powered)
  const storage = whole ? (outage.storage ?? []) : []
  const scaled = whole ? (outage.scaled ?? []) : []
  const { acceptedStorage: accepted = [] } = policy
  const awaitStorage: Step = {
    do: 'await-storage',
    within: storageWithin,
    ...(accepted.length > 0 ? { accepted } : {}),
  }
  return phases(
    ['nas', toWake.filter(({ tier }) => tier === 'nas').map(wake)],
    ['bring back', toWake.filter(({ tier }) => tier !== 'nas').map(wake)],
    ['uncordon', others.map(({ name }) => ({ do: 'uncordon', node: name, why: 'power' }))],
    ['storage', storage.map((setting) => ({ do: 'set-storage', setting, value: setting.before, within: apiWithin }))],
    ['storage whole', storage.length > 0 && wentDown(outage) ? [awaitStorage] : []],
    [
      'scale back',
      scaled.map((workload) => ({ do: 'scale', workload, replicas: workload.replicas, within: apiWithin })),
    ],
    ['log in', [...upses].map((ups) => ({ do: 'log-in-to-ups', ups }))],
  )
}

/** Whether everything that the outage has touched has its power again. */
export function isWhole(machines: readonly Machine[], outage: Outage, powered: ReadonlySet<string>): boolean {
  return machines.every(({ name }) => powered.has(name) || outage.nodes[name] === undefined)
}

/** Best-effort phases, without those that have nothing to do. */
function phases(...list: readonly (readonly [string, readonly Step[]])[]): Plan {
  return list.filter(([, steps]) => steps.length > 0).map(([name, steps]) => bestEffort(phase(name, ...steps)))
}
