import type { Config } from '../config/config.ts'
import type { Check } from '../core/cluster/check.ts'
import { type Observed, observed, notObserved } from '../core/cluster/cluster.ts'
import { messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { type Power, powerObstacle } from '../core/power/feeds.ts'
import type { NodeTimesByRole } from '../core/upgrade/estimate.ts'
import type { Circumstances } from '../core/upgrade/gates.ts'
import { nodeTimes, type Rollout } from '../core/upgrade/record.ts'
import type { Blackout } from '../core/upgrade/window.ts'
import { abortOf } from './aborts.ts'
import { remembered } from './facts.ts'
import { describePause } from './pause.ts'
import type { Timekeeper } from './timekeeper.ts'
import type { JobContext } from './job.ts'

/** How long the questions besides the cluster itself may take, in ms: storage, the calendar, the user's own checks. */
const askedWithin = 10_000

/** Everything besides the cluster that the decision needs. What costs a question is asked only where a node is to come. */
export async function gatherCircumstances(
  context: Pick<JobContext, 'config' | 'ports' | 'power' | 'now' | 'monotonic' | 'clock' | 'signal' | 'ownNode'>,
  version: string,
  asks: boolean,
): Promise<Circumstances> {
  const { config, ports, power, monotonic, ownNode, clock } = context
  const { journal } = ports
  const { upgrade } = config
  const now = context.now()
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(askedWithin)])
  const nothing = { systems: [], unwell: [], lastReplicas: new Map<string, readonly string[]>() }
  const [storage, components, blackouts, failedChecks] = await Promise.all([
    asks ? ask(ports.kubernetes.storage(signal)) : observed(nothing),
    asks ? ask(ports.kubernetes.components(signal)) : observed([]),
    asks ? allBlackouts(config, ports, now, signal) : observed([]),
    asks ? failures(upgrade.checks, ports, signal) : [],
  ])
  const rollout = recordFor(version, journal)
  const losses = remembered.losses.recall(journal)
  // Also of one that was cancelled and started again.
  const canary = journal
    .rollouts(20)
    .filter(({ release }) => release === version)
    .flatMap(({ nodes }) => (upgrade.canary && nodes[upgrade.canary.node]) ?? [])
    .find(({ outcome, endedAt }) => outcome === 'upgraded' && endedAt !== undefined)
  return {
    now,
    powerObstacle: powerObstacle(power, monotonic(), config.power) ?? chargeObstacle(power, upgrade.minimumCharge),
    paused: pauseOf(config, journal),
    clockFault: clock.whyUntrusted(),
    blackouts,
    approved: remembered.approved.recall(journal),
    openUntil: optionalDate(remembered.openUntil.recall(journal)),
    aborted: abortOf(journal, version),
    rollbacks: remembered.rollbacks.recall(journal) ?? [],
    mayLose: losses?.release === version ? losses.names : [],
    ownNode,
    blocked: new Map(
      Object.entries(remembered.blocked.recall(journal) ?? {}).flatMap(([name, { until, why }]) =>
        until > now.getTime() ? [[name, { until: new Date(until), why }]] : [],
      ),
    ),
    storage,
    components,
    acceptedStorage: config.storage.accept,
    failedChecks,
    canaryDoneAt: canary?.endedAt === undefined ? undefined : doneAt(Date.parse(canary.endedAt), now, clock),
    snapshotted: rollout?.snapshot !== undefined,
    times: timesOf(journal),
  }
}

/** When the canary was done, where a clock that was wrong since may have said so: then it is watched anew. */
function doneAt(endedAt: number, now: Date, clock: Timekeeper): Date {
  const since = clock.trustedSince() ?? 0
  return new Date(endedAt > now.getTime() ? since || now.getTime() : Math.max(endedAt, since))
}

/** The record of the rollout to this release, if it is under way. */
export function recordFor(version: string, journal: Journal): Rollout | undefined {
  const open = journal.openRollout()
  return open?.release === version ? open : undefined
}

/** How long nodes of this cluster have taken. */
export function timesOf(journal: Journal): NodeTimesByRole {
  const rollouts = journal.rollouts(20)
  const [worker, controlplane] = [nodeTimes(rollouts, 'worker'), nodeTimes(rollouts, 'controlplane')]
  return { ...(worker ? { worker } : {}), ...(controlplane ? { controlplane } : {}) }
}

async function allBlackouts(
  { upgrade }: Config,
  { calendar }: JobContext['ports'],
  now: Date,
  signal: AbortSignal,
): Promise<Observed<readonly Blackout[]>> {
  const own = upgrade.blackouts.map(({ from, to, reason }) => ({ from: Date.parse(from), to: Date.parse(to), reason }))
  if (!calendar) return observed(own)
  const found = await ask(calendar.blackouts(now, signal))
  return found.ok ? observed([...own, ...found.value]) : found
}

async function failures(
  checks: readonly Check[],
  ports: JobContext['ports'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    checks.map((check) => ports.checks.run(check, signal).catch((error: unknown) => messageOf(error))),
  )
  return answers.flatMap((failure) => (failure === undefined ? [] : [failure]))
}

function ask<T>(answer: Promise<T>): Promise<Observed<T>> {
  return answer.then(observed, (error: unknown) => notObserved(messageOf(error)))
}

function optionalDate(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}

/** Why rollouts are stopped by a person or by the configuration; what is armed is finished all the same. */
export function pauseOf(config: JobContext['config'], journal: Journal): string | undefined {
  const paused = describePause(journal, config.upgrade.shownZone)
  if (paused !== undefined) return paused
  return config.upgrade.enabled ? undefined : 'upgrade.enabled is false'
}

/** Why the battery is too low to start: it must be able to carry the next outage. */
function chargeObstacle({ upses }: Power, floor: number): string | undefined {
  const charges = [...upses.values()].flatMap((state) =>
    state.mode === 'on-mains' ? (state.reading.charge ?? []) : [],
  )
  const charge = Math.min(Infinity, ...charges)
  if (charge >= floor) return undefined
  return `the battery is at ${charge} %, and upgrades need ${floor} % (upgrade.minimumCharge)`
}
