import { describeReason } from '../src/core/event.ts'
import { leastTimeLeft } from '../src/core/power/feeds.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, later, on, type Outcome } from '../src/core/job.ts'
import type { StepState } from '../src/core/plan.ts'
import { failingMachines, type Machine } from '../src/core/power/machines.ts'
import { type Begun, beginOrResume, comesUp } from '../src/operations/begin-outage.ts'
import { reportBlind, reportLeft } from '../src/operations/outage-alerts.ts'
import type { OutageRecord } from '../src/operations/outage-record.ts'
import { type Outage, type OutageNode, wentDown, withoutDrains } from '../src/core/power/outage.ts'
import { bestEffort, phase, type Step } from '../src/core/plan.ts'
import type { ShutdownPhase } from '../src/core/power/phases.ts'
import { type Left, planShutdown } from '../src/core/power/shutdown.ts'
import type { CriticalReason } from '../src/core/power/triggers.ts'

/** A machine that comes up while the battery runs down is told again, in ms. */
const watchEvery = 5_000

/** Brings down in order every machine whose power is about to fail, while its UPS still carries it. */
export default defineJob({
  name: 'shut-down-cluster',
  about: 'drains the cluster and shuts it down in order, when a UPS is about to fail or a person says so',
  triggers: [on('power.critical'), on('power.ordered')],
  purpose: 'shutdown',
  runs: 'in-process',

  async idle(context) {
    const { ports, power } = context
    const machines = failingMachines(context.machines, power).map(({ machine }) => machine)
    if (machines.length === 0) return done('no power is about to fail')
    const open = ports.journal.openOutage()
    if (open?.stage !== 'stopped' || !open.loggedOut || !machines.every(({ name }) => isTold(open.nodes[name]?.state)))
      return undefined
    sayIfBlind(context, open)
    // A look takes the cluster from nobody.
    return (await comesUp(context, open, machines)).length > 0 ? undefined : watching(context)
  },

  async run(context) {
    const { ports, power, now } = context
    const [first] = failingMachines(context.machines, power)
    if (!first) return done('no power is about to fail')
    const isNew = !ports.journal.openOutage()?.nodes[first.machine.name]
    if (isNew) {
      ports.journal.write({ kind: 'power', text: `shutting down, because ${describeReason(first.reason)}` })
    }
    const { record, ended, last } = await bringDown(context, first.reason)
    if (ended) return ended

    if (record.current.stage !== 'stopped') {
      const { stoppedAt } = record.current
      record.update((outage) => ({ ...outage, stage: 'stopped', stoppedAt: stoppedAt ?? now().toISOString() }))
      sayWhoIsLeft(context, record)
      // A machine that is told again is no news.
      if (stoppedAt === undefined) await context.emit({ type: 'cluster.stopped' })
    }
    await logOut(context, record)
    // With the ground that we stand on everything ends, so everything else is said and done by now.
    if (last) {
      const alone = { record, toldBefore: new Set<string>(), next: last, isTight: () => false, isOver: () => false }
      await carryOutPhase(context, { ...alone, machines: context.machines })
    }
    return watching(context)
  },
})

/** Where upsd went down with a host that we have shut down, nobody hears of mains until that host is up again. */
function sayIfBlind({ config, power, alerts, monotonic }: JobContext, { nodes }: Outage): void {
  const blind = config.upses.flatMap(({ label, host }): [string, string][] => {
    const state = power.upses.get(label)
    const isSilent = state?.mode === 'critical' && monotonic() - state.lastHeard > config.power.silence
    const server = config.hosts.find(({ name, address }) => address === host && isTold(nodes[name]?.state))
    return isSilent && server ? [[label, server.name]] : []
  })
  reportBlind(alerts, new Map(blind))
}

function isTold(state: OutageNode['state'] | undefined): boolean {
  return state === 'shutdown-sent' || state === 'off' || state === 'unreached' || state === 'abandoned'
}

function watching({ config, now }: JobContext): Outcome {
  const soon = after(now(), Math.min(watchEvery, config.power.nodeStops))
  return later('every machine was told; watching until power is back', soon)
}

/**
 * Phase after phase, planned anew before each from the record and from what the battery then has left: that never grows
 * within a run, whatever the UPS says. `ended` where it ends before everything was told; `last` is our own machine's.
 */
async function bringDown(
  context: JobContext,
  reason: CriticalReason,
): Promise<{ readonly record: OutageRecord; readonly ended?: Outcome; readonly last?: ShutdownPhase }> {
  const { config, ports, power, monotonic, now, signal } = context
  const inventory = context.machines
  const failing = () => failingMachines(inventory, power).map(({ machine }) => machine)
  let endsAt = Infinity
  let heard = -Infinity
  let lastEnds: readonly number[] = []
  const left = (machines: readonly Machine[]): Left => {
    const least = leastTimeLeft(machines, power, monotonic(), config.power.assumedRuntime)
    const newest = Math.max(...[...power.upses.values()].map((state) => ('lastHeard' in state ? state.lastHeard : 0)))
    // One reading that lies is not believed over those about it: everything would be told at once for it.
    if (newest !== heard) lastEnds = [...lastEnds.slice(-2), monotonic() + least.ms]
    heard = newest
    endsAt = Math.min(endsAt, Math.max(...lastEnds))
    return { ms: Math.max(0, endsAt - monotonic()), told: least.told }
  }

  let machines = failing()
  let begun = await beginOrResume(context, reason, machines)
  let isPrepared = false
  let carriedOut = new Set<string>()
  let said = ''
  try {
    while (true) {
      const { record, toldBefore } = begun
      signal.throwIfAborted()
      const went = wentDown(record.current)
      const failingNow = failing()
      if (failingNow.length === 0) {
        const isCalledOff = [...power.upses.values()].some((state) => state.mode === 'on-battery')
        const isOrder = record.current.reason === 'ordered'
        const why = isCalledOff || isOrder ? 'the shutdown was called off' : 'power is back'
        const text = `${why}${went ? ': nothing further goes down' : ' before anything went down'}`
        return { record, ended: done(text) }
      }
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
      const [next] = plan.phases
      if (!next || next.name === 'own machine') {
        await begun.looked
        return { record, ...(next ? { last: next } : {}) }
      }
      // What comes after the cordon depends on what there is to be scaled and set.
      if (next.reversible && next.name !== 'cordon' && !isPrepared) {
        isPrepared = true
        await begun.prepared
        continue
      }
      // Once for what can be taken back, and once for what can't, and again when the form changes.
      const saying = `${plan.form} ${next.reversible}`
      if (saying !== said) ports.journal.write({ kind: 'power', text: plan.reason })
      said = saying
      const isTight = () => left(machines).ms < next.leaves
      const isOver = () => namesOf(failing()) !== namesOf(machines)
      const run = { record, toldBefore, machines, next, isTight, isOver }
      for (const name of await carryOutPhase(context, run)) carriedOut.add(name)
    }
  } finally {
    await letGo(begun)
  }
}

/** Nobody writes to the record any more once the run is over. */
async function letGo(begun: Begun): Promise<void> {
  begun[Symbol.dispose]()
  await begun.looked
}

interface PhaseRun {
  readonly record: OutageRecord
  readonly toldBefore: ReadonlySet<string>
  readonly machines: readonly Machine[]
  readonly next: ShutdownPhase
  /** The battery has no more time for it. */
  readonly isTight: () => boolean
  /** It is not what is wanted any more. */
  readonly isOver: () => boolean
}

/** Answers the names of the phases that need not be carried out any more. */
async function carryOutPhase(context: JobContext, run: PhaseRun): Promise<readonly string[]> {
  const { carryOut, signal, whenPower, alerts } = context
  const { record, toldBefore, next, isTight, isOver } = run
  // An order is given to its end; what can be taken back, or only waits, is left when there is no more time for it.
  const gives = next.steps.some(({ do: what }) => what === 'shut-down' || what === 'shut-down-host')
  using watch = whenPower(() => {
    if (next.reversible && isOver()) return 'the power is not as it was'
    return !gives && isTight() ? 'the battery has no more time for it' : undefined
  })
  // Nobody is emptied any more once the first has to go.
  if (!next.reversible) record.update((outage) => withoutDrains(outage, run.machines))
  let cordoned = 0
  const onStep = (step: Step, { kind }: StepState) => {
    if (step.do === 'cordon' && kind === 'done') cordoned += 1
    // Before a step's first effect the disk knows of it: whoever comes after us goes on from there.
    if (kind === 'started') {
      noteBefore(context, record, step)
      // With our own machine everything was told: whoever comes after us has nothing to go on with.
      if (next.name === 'own machine') record.update((outage) => ({ ...outage, stage: 'stopped' }))
      return
    }
    if (signal.aborted || (watch.signal.aborted && isOver())) return
    noteAfter(record, step, kind === 'done', toldBefore)
  }
  await carryOut([next], { signal: watch.signal, onStep }).catch((error: unknown) => {
    if (!watch.signal.aborted || signal.aborted) throw error
  })
  if (watch.signal.aborted && isOver()) return []
  if (next.name !== 'cordon' || cordoned > 0) return [next.name]
  // Where not one node could be cordoned the API is away, and everything else would only wait for it on the battery.
  alerts.open('outage.api', {
    severity: 'warning',
    subject: 'kubernetes',
    text: 'the Kubernetes API does not answer: pods are stopped by their nodes',
  })
  return [next.name, 'scale down', 'storage', 'drain']
}

function noteBefore({ now }: JobContext, record: OutageRecord, step: Step): void {
  if (step.do === 'shut-down') record.node(step.node, 'shutdown-sent')
  if (step.do === 'shut-down-host') record.node(step.host, 'shutdown-sent')
  if (step.do === 'ups-command') {
    record.update((outage) => ({ ...outage, cut: { ...outage.cut, [step.ups]: now().toISOString() } }))
  }
}

function noteAfter(record: OutageRecord, step: Step, isDone: boolean, toldBefore: ReadonlySet<string>): void {
  const told = step.do === 'shut-down' ? step.node : step.do === 'shut-down-host' ? step.host : undefined
  const awaited = step.do === 'await-down' ? step.node : step.do === 'await-host-down' ? step.host : undefined
  if (step.do === 'drain') record.node(step.node, 'drained')
  if (told !== undefined && !isDone && !toldBefore.has(told)) record.node(told, 'unreached')
  // One that was never told is neither off because it is silent, nor given up because it answers.
  if (awaited !== undefined && record.current.nodes[awaited]?.state !== 'unreached')
    record.node(awaited, isDone ? 'off' : 'abandoned')
}

/**
 * UPSes that may switch their outlets off in the end: those that are about to fail, where all that hangs on them goes
 * down here and has heard of it. Never because a person wants the cluster down: mains is there then.
 */
function cutsFor({ config, machines: inventory, power }: JobContext, outage: Outage, machines: readonly Machine[]) {
  return config.upses.flatMap(({ label, host, cutPower }) => {
    if (!cutPower || power.ordered !== undefined || outage.cut?.[label] !== undefined) return []
    if (power.upses.get(label)?.mode !== 'critical') return []
    const fed = inventory.filter(({ feed }) => feed?.weights[label] !== undefined)
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
 * The primaries wait for us no longer. Not while a machine that nobody reached may be booting: the power is not to go
 * under it just yet.
 */
async function logOut({ config, now, carryOut, power }: JobContext, record: OutageRecord): Promise<void> {
  const { nodes, loggedOut, stoppedAt } = record.current
  const unreached = Object.values(nodes).some(({ wasUp, state }) => wasUp && state === 'unreached')
  const stoppedFor = now().getTime() - Date.parse(stoppedAt ?? now().toISOString())
  // A clock that was set back knows nothing of how long it has been.
  if (loggedOut || (unreached && stoppedFor >= 0 && stoppedFor < config.power.nodeStops)) return
  const failing = [...power.upses].filter(([, { mode }]) => mode === 'critical' || power.ordered !== undefined)
  const steps = failing.map(([ups]): Step => ({ do: 'log-out-of-ups', ups }))
  if (steps.length > 0) await carryOut([bestEffort(phase('log out', ...steps))])
  record.update((outage) => ({ ...outage, loggedOut: true }))
}

function sayWhoIsLeft({ alerts }: JobContext, { current: { nodes } }: OutageRecord): void {
  for (const state of ['abandoned', 'unreached'] as const) {
    const named = Object.entries(nodes).flatMap(([name, node]) => (node.wasUp && node.state === state ? [name] : []))
    reportLeft(alerts, state, named)
  }
}
