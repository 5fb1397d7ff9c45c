import { randomUUID } from 'node:crypto'
import { counted, listed } from '../core/count.ts'
import type { Journal } from '../core/journal.ts'
import { describeTime } from '../core/time.ts'
import { notObserved, observed } from '../core/cluster/cluster.ts'
import { AgentError, isUnexpected, messageOf } from '../core/errors.ts'
import type { Asked, DrillAnswer, PowerAnswer, PowerPlanAnswer, PowerRequests } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import {
  drillReportAnswerOf,
  type NoReading,
  timelineAnswerOf,
  type UnreadUps,
  type UpsAnswer,
  type UpsDetailsAnswer,
  upsStateAnswerOf,
} from '../core/power/answers.ts'
import { failingMachines } from '../core/power/machines.ts'
import { outageKind } from '../core/power/outage-kind.ts'
import type { Ups } from '../core/power/ports.ts'
import type { DriverPace } from '../core/power/ups-details.ts'
import { isReversiblePhase, reversiblePhases } from '../core/power/reversible.ts'
import { readPage } from '../core/page.ts'
import { clearLatch } from '../core/power/forced.ts'
import { isBlind, type Silence, triggersInSilence } from '../core/power/silence.ts'
import type { PowerState } from '../core/power/state.ts'
import { policyFor, type TriggerState } from '../core/power/triggers.ts'
import { cancelledIn, describeRestarts, triggersIn } from '../core/power/cancelled.ts'
import { remembered } from './facts.ts'
import { runAndWait } from './job-requests.ts'
import type { JobContext } from './job.ts'
import type { createReadings, InputVoltage } from './readings.ts'
import { fitNow, planNow, rehearse } from './rehearse.ts'
import { patiently, recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob, notFound } from './running-agent.ts'
import { wakeEverything, wakeMachine } from './wake-requests.ts'

export interface PowerMeans extends RequestMeans {
  /** What upsd last said to our login, where it refused it. */
  loginRefused(label: string): string | undefined
  /** What UPSes have told in the last day, and now and then. */
  readonly readings: ReturnType<typeof createReadings>
}

/** Requests about the power. */
export function createPowerRequests(means: PowerMeans): PowerRequests {
  return {
    state: () => readPower(means),
    plan: () => readPlan(means),
    fit: () => fitAnswerOf(fitNow(lookAt(means), means.ports.journal.openOutage())),
    upses: (signal) => readUpses(means, signal),
    readings: () => means.readings.read(),
    ups: ({ ups }, signal) => readUps(means, ups, signal),
    outages: (page) => readPage(means.ports.journal.outages, outageKind.keyOf, page),
    shutDown: async (asked) => shutDown(means, asked),
    cancel: async (asked) => cancel(means, asked),
    wake: ({ machine, all = false }, asked) =>
      machine === undefined ? wakeEverything(means, { all }, asked) : wakeMachine(means, machine, asked),
    drill: ({ dryRun, until }, asked) => drill(means, { dryRun, until }, asked),
  }
}

function readPower({ agent, config, ports, loginRefused, readings, now }: PowerMeans): PowerAnswer {
  const { guard } = agent
  return {
    upses: [...guard.power.upses].map(([label, state]) => ({
      label,
      state: upsStateAnswerOf(state, agent.monotonic(), now()),
      loginRefused: loginRefused(label),
      silentForMs: rounded(guard.silentFor(label)),
      driver: driverAnswerOf(ports.upses.get(label)?.driver),
      noReading: noReadingOf(guard.silence(label)),
      ...voltageAnswerOf(readings.voltageOf(label)),
      triggers: triggersNow({ agent, config }, label, state),
    })),
    shutdownRequestedAt: guard.power.ordered,
  }
}

/** Each by itself: one that does not answer keeps no other from being told. */
function readUpses({ ports }: RequestMeans, signal: AbortSignal): Promise<readonly UpsDetailsAnswer[]> {
  return Promise.all([...ports.upses].map(([label, ups]) => readDetails(label, ups, signal)))
}

/** @throws AgentError `not-found` */
async function readUps({ ports }: RequestMeans, label: string, signal: AbortSignal): Promise<UpsDetailsAnswer> {
  const ups = ports.upses.get(label)
  if (ups) return readDetails(label, ups, signal)
  throw notFound(
    'UPS',
    label,
    [...ports.upses.keys()].map((name) => ({ name })),
  )
}

async function readDetails(label: string, ups: Ups, signal: AbortSignal): Promise<UpsDetailsAnswer> {
  try {
    const { driver, ...details } = await ups.details(patiently(signal))
    return { label, details: observed({ ...details, driver: driverAnswerOf(driver) }) }
  } catch (error) {
    if (isUnexpected(error)) throw error
    return { label, details: notObserved(messageOf(error)) }
  }
}

/** The triggers of a UPS, as they are at this moment: some of them can't work while it does not answer. */
function triggersNow(
  { agent, config }: Pick<PowerMeans, 'agent' | 'config'>,
  label: string,
  state: PowerState,
): readonly TriggerState[] {
  const triggers = triggersIn(state, policyFor(config(), label))
  const silence = agent.guard.silence(label)
  return silence ? triggersInSilence(triggers, state, silence) : triggers
}

function noReadingOf(silence: Silence | undefined): NoReading | undefined {
  return silence && { forMs: Math.round(silence.ms), why: silence.why }
}

function voltageAnswerOf(voltage: InputVoltage | undefined): Pick<UpsAnswer, 'inputVolts' | 'inputVoltsMsAgo'> {
  return voltage === undefined ? {} : { inputVolts: voltage.volts, inputVoltsMsAgo: voltage.msAgo }
}

/** Monotonic clocks count in fractions of a millisecond. */
const rounded = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms))

function driverAnswerOf(pace: DriverPace | undefined): UpsAnswer['driver'] {
  if (!pace) return undefined
  const { pollInterval, pollFrequency } = pace
  return {
    ...(pollInterval === undefined ? {} : { pollIntervalMs: pollInterval }),
    ...(pollFrequency === undefined ? {} : { pollFrequencyMs: pollFrequency }),
  }
}

function fitAnswerOf({ runtime, needs }: Pick<ReturnType<typeof fitNow>, 'runtime' | 'needs'>) {
  return { leftMs: rounded(runtime) ?? null, needsMs: Math.round(needs) }
}

function readPlan(means: RequestMeans): PowerPlanAnswer {
  const planned = planNow(lookAt(means), means.ports.journal.openOutage())
  const { plan, timeline, why } = planned
  return {
    form: plan.form,
    reason: plan.reason,
    ...fitAnswerOf(planned),
    leftUnknown: why,
    timeline: timelineAnswerOf(timeline),
    unread: unreadUpses(means),
  }
}

function unreadUpses(means: RequestMeans): readonly UnreadUps[] {
  const { guard } = means.agent
  return [...guard.power.upses].flatMap(([label, state]) => {
    const silence = noReadingOf(guard.silence(label))
    return silence ? [{ label, ...silence, isBlind: isBlind(state), triggers: triggersNow(means, label, state) }] : []
  })
}

/** What a shutdown would see now. */
function lookAt({ agent }: RequestMeans, signal: AbortSignal = new AbortController().signal): JobContext {
  return agent.preview(findJob(agent, 'shut-down-cluster'), signal)
}

function shutDown({ agent, config, ports, now }: RequestMeans, { by }: Asked): RequestAnswer {
  const { power } = agent.guard
  if (agent.machines.length === 0)
    throw new AgentError('rejected', 'there is nothing to shut down: no node and no host is configured')
  if (!agent.guard.order(now().toISOString()))
    return unchanged(
      `a shutdown was already requested${power.ordered === undefined ? '' : `, on ${describeTime(power.ordered, config().upgrade.shownZone)}`}: see \`caretaker power status\``,
    )
  return recordChange(
    ports.journal,
    {
      kind: 'power',
      said: 'everything is shutting down: follow it with `caretaker power status`; it stays down until `caretaker power wake`',
    },
    by,
  )
}

function cancel({ agent, ports, config }: RequestMeans, { by }: Asked): RequestAnswer {
  const { guard, machines } = agent
  const drill = cancelDrill(ports.journal, agent.running)
  // What the rehearsal is doing ends at once.
  if (drill !== undefined) guard.review()
  if (drill !== undefined && guard.power.ordered === undefined && failingMachines(machines, guard.power).length === 0)
    return recordChange(ports.journal, { kind: 'power', said: drill }, by)
  const isWithdrawn = guard.order(undefined)
  const forced = [...guard.power.upses].filter(([, { mode }]) => mode === 'forced').map(([label]) => label)
  const isFailing = failingMachines(machines, guard.power).length > 0
  const isAhead = !isFailing && !isWithdrawn && forced.length === 0
  const cancelled = isFailing || forced.length > 0 || isAhead ? guard.callOff() : []
  const restarts = describeRestarts(cancelledIn(guard.power.upses, (label) => policyFor(config(), label)))
  if (!isWithdrawn && !isFailing && forced.length > 0)
    return recordChange(
      ports.journal,
      { kind: 'power', said: `the forced shutdown (FSD) of ${listed(forced)} is not obeyed. ${clearLatch}` },
      by,
    )
  if (!isWithdrawn && cancelled.length === 0)
    return unchanged('there is nothing to cancel: no shutdown is running or about to start')
  if (isAhead)
    return recordChange(
      ports.journal,
      {
        kind: 'power',
        said: `the shutdown is cancelled for ${listed(cancelled)} before it began: ${restarts}`,
      },
      by,
    )
  const off = `the shutdown is cancelled for ${listed(cancelled)}: ${restarts}; machines that are down are woken on mains power`
  const back =
    'the shutdown request is cancelled: no more machines go down, and those that are down are woken on mains power'
  const both = `the shutdown request is cancelled, and ${off}`
  const said = !isWithdrawn ? off : cancelled.length > 0 ? both : back
  return recordChange(ports.journal, { kind: 'power', said }, by)
}

/** Has a rehearsal that is requested or runs end early. Returns what becomes of it; undefined where there is none. */
function cancelDrill(journal: Journal, running: readonly string[]): string | undefined {
  const isRequested = remembered.drillRequest.recall(journal) !== undefined
  remembered.drillRequest.remember(journal, undefined)
  const open = journal.openOutage()
  const isChecking = running.includes('drill-power')
  if (isChecking || (open?.reason === 'drill' && open.stage === 'draining')) {
    if (remembered.drillCancelled.recall(journal)) return undefined
    remembered.drillCancelled.remember(journal, true)
    return 'the rehearsal is cancelled: what it has done is undone'
  }
  return isRequested ? 'the rehearsal is cancelled before it began' : undefined
}

async function drill(
  means: RequestMeans,
  { dryRun, until }: { readonly dryRun: boolean; readonly until: string | undefined },
  { by, signal }: Asked,
): Promise<DrillAnswer> {
  const { agent, ports } = means
  const { journal } = ports
  if (until !== undefined && !isReversiblePhase(until))
    throw new AgentError(
      'misconfigured',
      `${until} is not a phase that can be rehearsed; those are ${reversiblePhases.join(', ')}`,
    )
  if (dryRun) {
    const report = await rehearse(lookAt(means, signal))
    remembered.drill.remember(journal, report)
    const faults = report.checks.filter(({ ok }) => !ok).length
    const found = faults === 0 ? 'no faults' : counted(faults, 'fault')
    recordChange(journal, { kind: 'power', said: `a power cut was rehearsed without any change: ${found}` }, by)
    return {
      run: { outcome: 'done', detail: 'checked everything, and changed nothing' },
      report: drillReportAnswerOf(report),
    }
  }
  recordChange(journal, { kind: 'power', said: 'a rehearsal of a power cut was requested' }, by)
  // Two who ask before it begins have one rehearsal.
  const id = remembered.drillRequest.recall(journal)?.id ?? randomUUID()
  remembered.drillRequest.remember(journal, { id, ...(until === undefined ? {} : { until }) })
  const run = await runAndWait(agent, findJob(agent, 'drill-power'), signal)
  // A request that can't start now must not start by itself later.
  if (run.outcome === 'later') remembered.drillRequest.remember(journal, undefined)
  const report = remembered.drill.recall(journal)
  // A rehearsal that is refused has no report: the last one tells of an earlier one.
  if (report?.request === id) return { run, report: drillReportAnswerOf(report) }
  if (run.outcome === 'done') throw new AgentError('not-now', run.detail)
  return { run, report: undefined }
}
