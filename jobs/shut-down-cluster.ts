import { describeReason } from '../src/core/event.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, later, on, type Outcome } from '../src/core/job.ts'
import type { PhaseId } from '../src/core/phase-id.ts'
import { failingMachines, type Machine } from '../src/core/power/machines.ts'
import { type Begun, beginOrResume, comesUp } from '../src/operations/begin-outage.ts'
import { createBatteryBudget } from '../src/operations/battery-budget.ts'
import { reportBlind, reportLeft } from '../src/operations/outage-alerts.ts'
import type { OutageRecord } from '../src/operations/outage-record.ts'
import { awaitMainsReturn } from '../src/operations/mains-return.ts'
import { carryOutPhase } from '../src/operations/shutdown-phase.ts'
import { type Outage, type OutageNode, wentDown } from '../src/core/power/outage.ts'
import { bestEffort, phase, type Step } from '../src/core/plan.ts'
import type { ShutdownPhase } from '../src/core/power/phases.ts'
import { planShutdown } from '../src/core/power/shutdown.ts'
import type { CriticalReason } from '../src/core/power/triggers.ts'

/** In ms. A machine that boots while the battery drains is shut down again. */
const watchEvery = 5_000

/** Shuts down in order every machine whose power is about to fail, while its UPS still feeds it. */
export default defineJob({
  name: 'shut-down-cluster',
  about: 'drains the cluster and shuts it down in order when a UPS becomes critical or a person requests it',
  triggers: [on('power.critical'), on('power.ordered')],
  purpose: 'shutdown',
  runs: 'in-process',

  async idle(context) {
    const { ports, power } = context
    const machines = failingMachines(context.machines, power).map(({ machine }) => machine)
    if (machines.length === 0) return done('no UPS is critical')
    const open = ports.journal.openOutage()
    if (
      open?.stage !== 'stopped' ||
      !open.loggedOut ||
      !machines.every(({ name }) => isShutdownRequested(open.nodes[name]?.state))
    )
      return undefined
    sayIfBlind(context, open)
    // Observing needs no lease.
    return (await comesUp(context, open, machines)).length > 0 ? undefined : watching(context)
  },

  async run(context) {
    const { ports, power, now } = context
    const [first] = failingMachines(context.machines, power)
    if (!first) return done('no UPS is critical')
    const isNew = !ports.journal.openOutage()?.nodes[first.machine.name]
    if (isNew) {
      ports.journal.write({
        kind: 'power',
        job: 'shut-down-cluster',
        text: `shutting down because ${describeReason(first.reason)}`,
      })
    }
    const { record, ended, last } = await bringDown(context, first.reason)
    if (ended) return ended

    if (record.current.stage !== 'stopped') {
      const { stoppedAt } = record.current
      record.update((outage) => ({ ...outage, stage: 'stopped', stoppedAt: stoppedAt ?? now().toISOString() }))
      sayWhoIsLeft(context, record)
      // A machine that is shut down again is not announced again.
      if (stoppedAt === undefined) await context.emit({ type: 'cluster.stopped' })
    }
    await logOut(context, record)
    // Our own machine goes last: everything else is done and recorded by now.
    if (last) {
      const alone = { requestedBefore: new Set<string>(), isTight: () => false, isOver: () => false }
      await carryOutPhase(context, { phase: last, record, machines: context.machines, ...alone })
    }
    return watching(context)
  },
})

/** Where upsd runs on a host that we have shut down, the UPS stays silent until that host is up again. */
function sayIfBlind({ config, power, alerts, monotonic }: JobContext, { nodes }: Outage): void {
  const blind = config.upses.flatMap(({ label, host }): [string, string][] => {
    const state = power.upses.get(label)
    const isSilent = state?.mode === 'critical' && monotonic() - state.lastHeard > config.power.deadTime
    const server = config.hosts.find(({ name, address }) => address === host && isShutdownRequested(nodes[name]?.state))
    return isSilent && server ? [[label, server.name]] : []
  })
  reportBlind(alerts, new Map(blind))
}

function isShutdownRequested(state: OutageNode['state'] | undefined): boolean {
  return state === 'shutdown-sent' || state === 'off' || state === 'unreached' || state === 'abandoned'
}

function watching({ config, now }: JobContext): Outcome {
  const soon = after(now(), Math.min(watchEvery, config.power.shutdownTimeout))
  return later('shutdown requested for every machine; waiting for power to return', soon)
}

/** What is left once every shutdown but that of our own machine was requested; `ended` if the run ends earlier. */
interface BroughtDown {
  readonly record: OutageRecord
  readonly ended?: Outcome
  readonly last?: ShutdownPhase
}

/** Runs phase after phase. Plans again before each, from the record and the battery's remaining runtime. */
async function bringDown(context: JobContext, reason: CriticalReason): Promise<BroughtDown> {
  const { config, ports, power, now, signal } = context
  const failing = () => failingMachines(context.machines, power).map(({ machine }) => machine)
  const left = createBatteryBudget(context)
  let machines = failing()
  let begun = await beginOrResume(context, reason, machines)
  let isPrepared = false
  let carriedOut = new Set<PhaseId>()
  let said = ''
  try {
    while (true) {
      const { record, requestedBefore } = begun
      signal.throwIfAborted()
      const failingNow = failing()
      if (failingNow.length === 0) return { record, ended: done(describeEnd(context, record.current)) }
      if (namesOf(failingNow) !== namesOf(machines)) {
        machines = failingNow
        carriedOut = new Set()
        isPrepared = false
        await letGo(begun)
        begun = await beginOrResume(context, reason, machines)
        continue
      }
      const situation = { machines, outage: record.current, left: left(machines), now: now(), carriedOut }
      const plan = planShutdown({ ...situation, cut: cutsFor(context, record.current, machines) }, config.power)
      const [phase] = plan.phases
      if (!phase || phase.id === 'shut-down-own-machine') {
        // Who was up is to be on record. What could be scaled down comes too late, and our own machine must not wait for it.
        await begun.seen
        return { record, ...(phase ? { last: phase } : {}) }
      }
      // The phases after the cordon depend on the workloads and storage settings that were found.
      if (phase.reversible && phase.id !== 'cordon' && !isPrepared) {
        isPrepared = true
        await begun.prepared
        continue
      }
      if (await awaitMainsReturn(context, machines)) continue
      // Written to the journal once for the reversible phases, once for the others, and again when the form changes.
      const saying = `${plan.form} ${phase.reversible}`
      if (saying !== said) ports.journal.write({ kind: 'power', job: 'shut-down-cluster', text: plan.reason })
      said = saying
      const isTight = () => left(machines).ms < phase.leaves
      const isOver = () => namesOf(failing()) !== namesOf(machines)
      const run = { phase, record, requestedBefore, machines, isTight, isOver }
      for (const id of await carryOutPhase(context, run)) carriedOut.add(id)
    }
  } finally {
    await letGo(begun)
  }
}

function describeEnd({ power }: JobContext, outage: Outage): string {
  const isCalledOff = [...power.upses.values()].some((state) => state.mode === 'on-battery')
  const why = isCalledOff || outage.reason === 'ordered' ? 'the shutdown was cancelled' : 'power is back'
  return `${why}${wentDown(outage) ? ': no more machines go down' : ' before anything went down'}`
}

/** Stops writing to the record once the run is over. */
async function letGo(begun: Begun): Promise<void> {
  begun[Symbol.dispose]()
  await begun.looked
}

/**
 * UPSes that may switch off their outlets at the end: the critical ones, where every machine that they feed
 * was shut down by us. Never for a shutdown that a person requested: mains power is on then.
 */
function cutsFor({ config, machines: inventory, power }: JobContext, outage: Outage, machines: readonly Machine[]) {
  return config.upses.flatMap(({ label, host, cutPower }) => {
    if (!cutPower || power.ordered !== undefined || outage.cut?.[label] !== undefined) return []
    if (power.upses.get(label)?.mode !== 'critical') return []
    const fed = inventory.filter(({ feed }) => feed?.powerValue[label] !== undefined)
    const isAlone = fed.every(({ name }) => machines.some((machine) => machine.name === name))
    const isHeard = fed.every(({ name }) => outage.nodes[name]?.state !== 'unreached' || !outage.nodes[name].wasUp)
    if (!isAlone || !isHeard) return []
    const beforeNas = config.hosts.some(({ nas, address }) => nas && address === host)
    return [{ ups: label, command: cutPower.command, beforeNas }]
  })
}

function namesOf(machines: readonly Machine[]): string {
  return machines.map(({ name }) => name).join(' ')
}

/**
 * Logs out of upsd, so that its primary need not wait for us. Not while a machine that could not be reached may be
 * booting: it would lose its power.
 */
async function logOut({ config, now, carryOut, power }: JobContext, record: OutageRecord): Promise<void> {
  const { nodes, loggedOut, stoppedAt } = record.current
  const unreached = Object.values(nodes).some(({ wasUp, state }) => wasUp && state === 'unreached')
  const stoppedFor = now().getTime() - Date.parse(stoppedAt ?? now().toISOString())
  // The clock was set back: the elapsed time is unknown.
  if (loggedOut || (unreached && stoppedFor >= 0 && stoppedFor < config.power.shutdownTimeout)) return
  const failing = [...power.upses].filter(([, { mode }]) => mode === 'critical' || power.ordered !== undefined)
  const steps = failing.map(([ups]): Step => ({ do: 'log-out-of-ups', ups }))
  if (steps.length > 0) await carryOut([bestEffort(phase('log-out', [], ...steps))])
  record.update((outage) => ({ ...outage, loggedOut: true }))
}

function sayWhoIsLeft({ alerts }: JobContext, { current: { nodes } }: OutageRecord): void {
  for (const state of ['abandoned', 'unreached'] as const) {
    const named = Object.entries(nodes).flatMap(([name, node]) => (node.wasUp && node.state === state ? [name] : []))
    reportLeft(alerts, state, named)
  }
}
