import type { AcceptedWarning } from '../cluster/cluster.ts'
import type { StorageSetting } from '../cluster/workload.ts'
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
  /** What keeps storage systems from moving data about is put back after this time, whole or not. */
  readonly storageTimeout: number
  /** Storage warnings that are not waited for. */
  readonly acceptedStorage?: readonly AcceptedWarning[]
}

/** Storage that has not become whole by then holds up workloads no longer, in ms. */
const workloadsWithin = 5 * 60_000

/**
 * Settings that keep data from becoming whole, and so have to go first. Ceph's `norecover` suspends the repair of groups
 * that missed writes, and `nobackfill` that of those whose log no longer reaches back so far; with Longhorn's limit at 0
 * no replica is rebuilt (ceph src/osd/OSD.cc, doc/rados/operations/health-checks.rst OSDMAP_FLAGS; longhorn docs
 * references/settings). Nothing is copied to other places by that: an OSD that is late stays `in` as long as `noout` is
 * set, `norebalance` stops what only moves data, and Longhorn waits for a replica that is away as long as its
 * replenishment interval is raised. Those are put back when the data are whole.
 */
const keepsFromHealing: ReadonlySet<string> = new Set([
  'norecover',
  'nobackfill',
  'concurrent-replica-rebuild-per-node-limit',
])

export interface WakeSituation {
  readonly machines: readonly Machine[]
  readonly outage: Outage
  /** Names of the machines that have power: the others are left alone. */
  readonly powered: ReadonlySet<string>
  /** Those of them that run on battery, because their shutdown was called off: none of them is woken, whatever is seen of it. */
  readonly onBattery?: ReadonlySet<string>
  /** Labels of the UPSes to log in to again. */
  readonly upses: Iterable<string>
}

/**
 * Brings back what was up before, and nothing else: the NAS first, because nodes boot and mount from it; then each
 * machine by itself, so that a dead one holds up no other; workers once the API server answers. Then storage systems may
 * repair themselves, workloads get their replicas back once data are whole or after a while, and what kept data from being
 * copied about is removed when they are whole, or after a limit. Where nothing went down this undoes what was done.
 */
export function planWake(situation: WakeSituation, policy: WakePolicy): Plan {
  const { machines, outage, powered, onBattery, upses } = situation
  const here = machines.filter(({ name }) => powered.has(name))
  const onMains = here.filter(({ name }) => onBattery?.has(name) !== true)
  const missing = new Set(wentDown(outage) ? missingNodes(outage, onMains) : [])
  const toWake = here.filter(({ name }) => missing.has(name))
  // Nodes are on record before they are cordoned; where workloads alone were scaled down, none was.
  const mayBeMarked = (name: string) => outage.stage !== 'shedding' && outage.nodes[name] !== undefined
  const others = here.filter(({ name, kind }) => kind === 'node' && !missing.has(name) && mayBeMarked(name))
  // What the flags keep from moving is there again, or has been given up.
  const whole = isWhole(machines, outage, powered)
  const storage = whole ? (outage.storage ?? []) : []
  const scaled = whole ? (outage.scaled ?? []) : []
  const waits = storage.length > 0 && wentDown(outage) && !outage.storageGivenUp
  const beforeWorkloads = Math.min(workloadsWithin, policy.storageTimeout / 2)
  const wake = (machine: Machine) => wakeStep(machine, outage, policy)
  return phases(
    ['wake-nas', toWake.filter(({ tier }) => tier === 'nas').map(wake)],
    ['wake-machines', toWake.filter(({ tier }) => tier !== 'nas').map(wake)],
    ['uncordon', others.map(({ name }) => ({ do: 'uncordon', node: name, why: 'power' }))],
    ['allow-repair', restore(waits ? storage.filter(isObstacle) : [])],
    // Before anything is waited for: a primary waits for those alone who are logged in.
    ['log-in', [...upses].map((ups) => ({ do: 'log-in-to-ups', ups }))],
    ['await-storage', waits ? [awaitStorage(beforeWorkloads, policy)] : []],
    ['scale-up', scaled.map((workload) => ({ do: 'scale', workload, replicas: workload.replicas, within: apiWithin }))],
    ['await-storage', waits ? [awaitStorage(policy.storageTimeout - beforeWorkloads, policy)] : []],
    ['restore-storage-flags', restore(waits ? storage.filter((one) => !isObstacle(one)) : storage)],
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

function isObstacle({ name }: StorageSetting): boolean {
  return keepsFromHealing.has(name)
}

function restore(settings: readonly StorageSetting[]): readonly Step[] {
  return settings.map((setting) => ({ do: 'set-storage', setting, value: setting.before, within: apiWithin }))
}

function awaitStorage(within: number, { acceptedStorage: accepted = [] }: WakePolicy): Step {
  return { do: 'await-storage', within, ...(accepted.length > 0 ? { accepted } : {}) }
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
