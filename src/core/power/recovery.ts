import type { AcceptedWarning } from '../cluster/cluster.ts'
import type { Machine } from './machines.ts'
import { missingNodes, type Outage, wentDown } from './outage.ts'
import type { PhaseId } from '../phase-id.ts'
import { bestEffort, phase, type Plan, type Step } from '../plan.ts'
import { apiWithin } from './shutdown.ts'

/** The policy for waking a cluster. Times in ms. */
export interface WakePolicy {
  /** How long mains power must have been on. */
  readonly stableAfter: number
  /** The least charge of the battery, in %. */
  readonly minimumCharge: number
  /** A magic packet is sent again after this time. */
  readonly retryInterval: number
  /** A machine that is not up by then needs a person. */
  readonly giveUpAfter: number
  /** Storage warnings that are not waited for. */
  readonly acceptedStorage?: readonly AcceptedWarning[]
}

/** Storage that has not become whole by then holds up workloads no longer, in ms. */
const storageWithin = 5 * 60_000

export interface WakeSituation {
  readonly machines: readonly Machine[]
  readonly outage: Outage
  /** Names of the machines that have power: the others are left alone. */
  readonly powered: ReadonlySet<string>
  /** Labels of the UPSes to log in to again. */
  readonly upses: Iterable<string>
}

/**
 * Brings back what was up before, and nothing else: the NAS first, because nodes boot and mount from it; then each
 * machine by itself, so that a dead one holds up no other; workers once the API server answers. Then storage systems may
 * copy data about again, and workloads get their replicas back. Where nothing went down this undoes what was done.
 */
export function planWake({ machines, outage, powered, upses }: WakeSituation, policy: WakePolicy): Plan {
  const here = machines.filter(({ name }) => powered.has(name))
  const missing = new Set(wentDown(outage) ? missingNodes(outage, here) : [])
  const toWake = here.filter(({ name }) => missing.has(name))
  // Of one that was made anew the marks on other nodes may tell more later.
  const isKnown = (name: string) => outage.reason !== 'restored' || outage.nodes[name] !== undefined
  const others = here.filter(({ name, kind }) => kind === 'node' && !missing.has(name) && isKnown(name))
  // What the flags keep from moving is there again, or has been given up.
  const whole = isWhole(machines, outage, powered)
  const storage = whole ? (outage.storage ?? []) : []
  const scaled = whole ? (outage.scaled ?? []) : []
  const wake = (machine: Machine) => wakeStep(machine, outage, policy)
  return phases(
    ['wake-nas', toWake.filter(({ tier }) => tier === 'nas').map(wake)],
    ['wake-machines', toWake.filter(({ tier }) => tier !== 'nas').map(wake)],
    ['uncordon', others.map(({ name }) => ({ do: 'uncordon', node: name, why: 'power' }))],
    [
      'restore-storage-flags',
      storage.map((setting) => ({ do: 'set-storage', setting, value: setting.before, within: apiWithin })),
    ],
    ['await-storage', storage.length > 0 && wentDown(outage) ? [awaitStorage(policy)] : []],
    ['scale-up', scaled.map((workload) => ({ do: 'scale', workload, replicas: workload.replicas, within: apiWithin }))],
    ['log-in', [...upses].map((ups) => ({ do: 'log-in-to-ups', ups }))],
  )
}

function wakeStep(
  { name, kind, tier, hasMac, powerOnAfter, stops }: Machine,
  outage: Outage,
  { retryInterval, giveUpAfter: within }: WakePolicy,
): Step {
  const waking = { hasMac, powerOnAfter, retryInterval, within }
  const { state, wasHealthy } = outage.nodes[name] ?? {}
  const mayStop = state === 'shutdown-sent' || state === 'abandoned'
  if (kind === 'host')
    return { do: 'bring-back-host', host: name, ...(mayStop ? { stopsWithin: 2 * stops } : {}), ...waking }
  const afterKubernetes = tier !== 'control-planes'
  return { do: 'bring-back', node: name, afterKubernetes, ready: wasHealthy !== false, ...waking }
}

function awaitStorage({ acceptedStorage: accepted = [] }: WakePolicy): Step {
  return { do: 'await-storage', within: storageWithin, ...(accepted.length > 0 ? { accepted } : {}) }
}

/** Whether every machine of the outage has its power again. */
export function isWhole(machines: readonly Machine[], outage: Outage, powered: ReadonlySet<string>): boolean {
  return machines.every(({ name }) => powered.has(name) || outage.nodes[name] === undefined)
}

/** Best-effort phases, without those that have nothing to do. Each is left when the power changes once more. */
function phases(...list: readonly (readonly [PhaseId, readonly Step[]])[]): Plan {
  return list
    .filter(([, steps]) => steps.length > 0)
    .map(([id, steps]) => bestEffort(phase(id, ['power-change'], ...steps)))
}
