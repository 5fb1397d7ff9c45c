import { type StorageWarning, whyUnhealthy } from '../src/core/cluster/cluster.ts'
import { blockingStorage } from '../src/core/cluster/storage.ts'
import { describeDuration } from '../src/core/duration.ts'
import { messageOf } from '../src/core/errors.ts'
import { mainsOf, type Power, powerObstacle, supplyOf } from '../src/core/power/feeds.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, later, on, type Outcome } from '../src/core/job.ts'
import { readinessOf, whyNotReady } from '../src/core/power/readiness.ts'
import { policyFor } from '../src/core/power/triggers.ts'
import { failingMachines, type Machine } from '../src/core/power/machines.ts'
import { isUnhealed, reportHeld, reportUnhealed, settleOutage } from '../src/operations/outage-alerts.ts'
import { finishUnrecorded, lookForLeftovers } from '../src/operations/restore-outage.ts'
import { openRecord, type OutageRecord } from '../src/operations/outage-record.ts'
import { reportPowerFailure } from '../src/operations/power-failed.ts'
import { summarize } from '../src/core/power/summary.ts'
import { missingNodes, type Outage, wentDown } from '../src/core/power/outage.ts'
import type { Step, StepState } from '../src/core/plan.ts'
import type { PowerState } from '../src/core/power/state.ts'
import { remembered } from '../src/operations/facts.ts'
import { isWhole, planWake } from '../src/core/power/recovery.ts'

/** In ms. A UPS switches its outlets off some time after the command, even on mains power; nothing is woken before. */
const cutTakes = 3 * 60_000
const lookAgain = 5_000
/** In ms. Between two looks at storage that was given up. */
const healsEvery = 60_000

/** Wakes what was up before a power cut, and undoes what was done to the rest. */
export default defineJob({
  name: 'wake-cluster',
  about: 'after a power cut, wakes what was up before, waits until it is Ready, and undoes the rest',
  triggers: [on('power.on-mains'), on('power.on-battery'), on('power.order-withdrawn'), on('drill.ended')],
  purpose: 'recovery',
  runs: 'in-process',

  async idle(context) {
    const { ports, power, now } = context
    if (power.ordered !== undefined)
      return done('the cluster was shut down on request: wake it with `caretaker power wake`')
    const open = ports.journal.openOutage()
    if (!open) {
      const healing = await awaitHealing(context)
      if (healing) return healing
      const found = await lookForLeftovers(context)
      return found.kind === 'nothing' ? found.outcome : undefined
    }
    const powered = poweredMachines(context, open)
    const names = new Set(powered.machines.map(({ name }) => name))
    const isLeft = powered.machines.some(({ name }) => open.nodes[name]?.wasUp && open.nodes[name].state !== 'back')
    if (names.size > 0 && (isLeft || isWhole(context.machines, open, names))) return undefined
    // Every machine that has power is back; the next reading of the others' UPS wakes this job.
    if (names.size > 0) return later('other machines still have no power', after(now(), 60_000))
    // On battery, shed workloads stay down; the next reading of mains power wakes this job.
    if (!wentDown(open) && failingMachines(context.machines, power).length === 0 && powered.onBattery)
      return done('on battery: shed workloads stay down')
    return later(powered.why, after(now(), powered.after))
  },

  async run(context) {
    const { config, machines: inventory, ports, now, carryOut, signal, whenPower, power } = context
    const { journal } = ports
    const open = journal.openOutage()
    if (!open) return finishUnrecorded(context)
    const { machines, calledOff } = poweredMachines(context, open)
    const names = new Set(machines.map(({ name }) => name))
    const record = openRecord(context, open)
    const isSafe = failingMachines(inventory, power).length === 0
    // While other machines are still going down, or have no power, they determine the stage of the outage.
    if (wentDown(open) && isSafe) {
      record.update((outage) => ({ ...outage, stage: 'waking', wokenAt: outage.wokenAt ?? now().toISOString() }))
      reportPowerFailure(context)
    }
    const hasMore = () => poweredMachines(context, open).machines.some(({ name }) => !names.has(name))
    let isMore = false
    using watch = whenPower(() => {
      // A dead machine on one UPS must not hold up machines on another.
      isMore = hasMore()
      if (isMore) return 'more machines have power again'
      const isLost = ({ feed }: Machine) => {
        const supply = supplyOf(feed, power)
        return supply === 'failing' || (supply === 'battery' && wentDown(open) && !isCalledOff(power))
      }
      return machines.some(isLost) ? 'mains power failed again' : undefined
    })
    const hasLost = remembered.lost.recall(journal) !== undefined && open.reason !== 'restored'
    let undone = true
    let unhealed: string | undefined
    const onStep = (step: Step, state: StepState) => {
      const { kind } = state
      if (step.do === 'await-storage') unhealed = kind === 'failed' ? messageOf(state.error) : undefined
      const name = step.do === 'bring-back' ? step.node : step.do === 'bring-back-host' ? step.host : undefined
      if (name !== undefined && kind !== 'failed') record.node(name, kind === 'done' ? 'back' : 'wake-sent')
      if (kind === 'failed' && ['uncordon', 'scale', 'set-storage'].includes(step.do)) undone = false
    }
    try {
      const onMains = [...power.upses].flatMap(([label, { mode }]) => (mode === 'on-mains' ? [label] : []))
      const plan = planWake(
        {
          machines: inventory,
          outage: hasLost ? withoutUnseen(open) : open,
          powered: names,
          onBattery: calledOff,
          upses: onMains,
        },
        { ...config.power.wake, acceptedStorage: config.storage.accept },
      )
      await carryOut(plan, { onStep, signal: watch.signal })
    } catch (error) {
      if (!watch.signal.aborted || signal.aborted) throw error
      return later(messageOf(watch.signal.reason), after(now(), isMore ? 0 : lookAgain))
    }
    if (unhealed !== undefined) {
      record.update((outage) => ({ ...outage, storageGivenUp: true }))
      reportUnhealed(context.alerts, unhealed)
    }
    // A machine that never went down is as it was.
    if (undone) record.update((outage) => withUntouched(outage, names))
    return conclude(context, record, { undone, names, isWhole: isSafe && isWhole(inventory, record.current, names) })
  },
})

/**
 * The outage as it is to be undone where the journal was lost before it began: the marks on machines that were off by then
 * are of another one, which has no record, and are all that tells of it.
 */
function withoutUnseen(outage: Outage): Outage {
  const nodes = Object.fromEntries(Object.entries(outage.nodes).filter(([, { wasUp }]) => wasUp))
  return { ...outage, nodes }
}

/** Also marks as back the machines whose shutdown was never requested. */
function withUntouched(outage: Outage, names: ReadonlySet<string>): Outage {
  const untouched = Object.entries(outage.nodes).filter(
    ([name, { state }]) => names.has(name) && (state === 'up' || state === 'drained'),
  )
  const nodes = Object.fromEntries(untouched.map(([name, node]) => [name, { ...node, state: 'back' as const }]))
  return { ...outage, nodes: { ...outage.nodes, ...nodes } }
}

async function conclude(
  context: JobContext,
  record: OutageRecord,
  { undone, names, isWhole: isAll }: { undone: boolean; names: ReadonlySet<string>; isWhole: boolean },
): Promise<Outcome> {
  const { config, machines: inventory, ports, alerts, now, emit } = context
  const { journal } = ports
  const open = record.current
  // What has no power yet is no machine that did not come.
  const missing = (wentDown(open) ? missingNodes(open, inventory) : []).filter((name) => names.has(name))
  if (missing.length === 0 && undone && !isAll)
    return later('other machines still have no power', after(now(), lookAgain))
  if (missing.length > 0 || !undone) {
    const reason = missing.length > 0 ? await describeMissing(context, missing) : 'not everything is undone yet'
    if (isAll) alerts.open('outage.recovery', { severity: 'warning', subject: 'cluster', text: reason })
    return later(reason, after(now(), Math.min(60_000, config.power.wake.giveUpAfter)))
  }
  settleOutage(alerts)
  remembered.wakeNow.remember(journal, undefined)
  record.update((outage) => ({ ...outage, stage: 'over', endedAt: now().toISOString() }))
  // Before people hear what the outage came to.
  reportPowerFailure(context)
  const summary = summarize(record.current)
  await emit({ type: 'cluster.woken', summary })
  // What woke blindly sees now what else there is to do, and which workloads are scaled down.
  const isBlind = open.reason === 'restored' && open.scaled === undefined
  if (isBlind || remembered.lost.recall(journal) !== undefined) return later(summary, now())
  if (isUnhealed(alerts)) return later(`${summary}; storage is not whole yet`, after(now(), healsEvery))
  return done(summary)
}

/** After an outage: until storage that was given up is whole. Undefined where nothing is waited for. */
async function awaitHealing({ alerts, config, ports, signal, now }: JobContext): Promise<Outcome | undefined> {
  if (!isUnhealed(alerts)) return undefined
  const limited = AbortSignal.any([signal, AbortSignal.timeout(healsEvery)])
  const unwell = await ports.kubernetes.unhealed(limited).catch((error: unknown) => messageOf(error))
  const blocking =
    typeof unwell === 'string' ? [unwell] : textsOf(blockingStorage({ unwell }, config.storage.accept, now()))
  if (blocking.length > 0) return later(`storage is not whole yet: ${blocking.join('; ')}`, after(now(), healsEvery))
  reportUnhealed(alerts, undefined)
  return undefined
}

const textsOf = (warnings: readonly StorageWarning[]) => warnings.map(({ text }) => text)

interface Powered {
  readonly machines: readonly Machine[]
  /** Of these, by name, those that run on battery, because their shutdown was called off. */
  readonly calledOff: ReadonlySet<string>
  readonly onBattery: boolean
  /** Why other machines have to wait, and when to check again, in ms. */
  readonly why: string
  readonly after: number
}

/**
 * The machines that may be woken or uncordoned: their UPSes have been on mains power for long enough, and could carry
 * another cut. Where nothing went down mains alone is enough, or that a person has called the shutdown off.
 */
function poweredMachines(context: JobContext, open: Outage): Powered {
  const { config, machines: inventory, power, monotonic, now, ports, alerts } = context
  const { stableAfter, reportAfter } = config.power.wake
  const readiness = readinessOf(config.power)
  const went = wentDown(open)
  const isNow = remembered.wakeNow.recall(ports.journal) === true
  const onBattery = inventory.some(({ feed }) => supplyOf(feed, power) === 'battery')
  const waits: { why: string; after: number }[] = []
  const wait = (why: string, ms = lookAgain) => {
    waits.push({ why, after: ms })
    return false
  }
  const calledOff = new Set<string>()
  const machines = inventory.filter((machine) => {
    const supply = supplyOf(machine.feed, power)
    // After a cancelled shutdown nodes are uncordoned on battery too, but none is woken.
    const state = open.nodes[machine.name]?.state
    const isUp = state === undefined || state === 'up' || state === 'drained'
    if (isCalledOff(power) && open.stage !== 'shedding' && supply === 'battery' && isUp) {
      calledOff.add(machine.name)
      return true
    }
    const mains = mainsOf(machine.feed, isNow ? withoutLatches(power) : power, (ups, state) =>
      whyNotReady(state, monotonic(), readiness, policyFor(config, ups)),
    )
    // Shed workloads stay down while anything runs on battery.
    if (open.stage === 'shedding' && onBattery) return wait('on battery: shed workloads stay down')
    if (!mains) return wait(powerObstacle(power, monotonic(), config.power) ?? 'mains power is not back')
    if (!went) return true
    const cutAt = Object.keys(machine.feed?.powerValue ?? {}).flatMap((ups) => open.cut?.[ups] ?? [])
    const sinceCut = Math.min(...cutAt.map((at) => now().getTime() - Date.parse(at)))
    // A person who requests it now takes responsibility for the battery.
    const wanted = isNow ? 0 : stableAfter
    const needs = sinceCut < cutTakes ? Math.max(wanted, cutTakes) : wanted
    if (mains.ms < needs) {
      const far = `mains power is back, and must last for ${describeDuration(needs)}`
      return wait(far, needs - mains.ms)
    }
    if (!isNow && mains.hold !== undefined) {
      if (mains.ms >= reportAfter) reportHeld(alerts, mains.hold)
      return wait(mains.hold, 10_000)
    }
    return true
  })
  const [first] = waits.toSorted((a, b) => a.after - b.after)
  return {
    machines,
    calledOff,
    onBattery,
    why: first?.why ?? 'mains power is not back',
    after: first?.after ?? lookAgain,
  }
}

/** Counts a UPS with a latched FSD as on mains, when a person requests to wake everything. */
function withoutLatches(power: Power): Power {
  const upses = [...power.upses].map(([label, state]): [string, PowerState] => [
    label,
    state.mode === 'latched' ? { ...state, mode: 'on-mains' } : state,
  ])
  return { ...power, upses: new Map(upses) }
}

function isCalledOff({ upses }: Power): boolean {
  return [...upses.values()].some((state) => state.mode === 'on-battery' && state.calledOff !== undefined)
}

async function describeMissing({ observe }: JobContext, missing: readonly string[]): Promise<string> {
  const { nodes } = await observe()
  const texts = missing.map((name) => {
    const node = nodes.find((candidate) => candidate.name === name)
    if (node?.talos.ok && node.talos.value.stage === 'shutting down')
      return `${name} hangs while shutting down: press its power button twice`
    if (node?.talos.ok) return `${name} is up and ${whyUnhealthy(node) ?? 'about to be uncordoned'}`
    return `${name} did not come back: press its power button`
  })
  return texts.join('; ')
}
