import { describeBoth, describeClosely } from '../core/duration.ts'
import { counted } from '../core/count.ts'
import { describeIdentity } from '../core/cluster/cluster.ts'
import { messageOf } from '../core/errors.ts'
import type { DrillCheck, DrillReport } from '../core/power/drill.ts'
import { leastTimeLeft } from '../core/power/feeds.ts'
import type { Left } from '../core/power/battery.ts'
import type { JobContext } from './job.ts'
import type { Machine } from '../core/power/machines.ts'
import { beginOutage, type Outage } from '../core/power/outage.ts'
import { findSheddable } from './shed.ts'
import { planShutdown } from '../core/power/shutdown.ts'
import { stopTimes, timelineOf } from '../core/power/timeline.ts'
import { policyFor, triggersOf } from '../core/power/triggers.ts'
import { has, whyUnknown } from '../core/power/ups.ts'

/** Nothing that is asked in a rehearsal may take longer than this, in ms. */
const patience = 10_000

export type DrillContext = Pick<
  JobContext,
  'config' | 'machines' | 'ports' | 'power' | 'now' | 'monotonic' | 'signal' | 'observe' | 'wording'
>

/** The plan for a power cut now, with what is on record of how long machines take. */
export function planNow(
  {
    ports,
    wording,
    ...means
  }: Pick<DrillContext, 'config' | 'machines' | 'ports' | 'power' | 'now' | 'monotonic' | 'wording'>,
  outage?: Outage,
) {
  const fit = fitNow(means, outage)
  const timeline = timelineOf(fit.plan, wording, stopTimes(ports.journal.outages(20), means.machines))
  return { ...fit, timeline }
}

/** The same without a word for people: how long the plan takes at the most, and how long the batteries last; in ms. */
export function fitNow(
  {
    config,
    machines,
    power,
    now,
    monotonic,
  }: Pick<DrillContext, 'config' | 'machines' | 'power' | 'now' | 'monotonic'>,
  outage: Outage = beginOutage(now(), 'drill'),
) {
  const least = leastTimeLeft(machines, power, monotonic(), config.power.assumedRuntime)
  const { runtime, why } = least.ms === Infinity ? runtimeOf({ power }, machines) : runtimeIn(least)
  const left = least.ms === Infinity && runtime !== undefined ? { ms: runtime, told: true } : least
  const plan = planShutdown({ machines, outage, left, now: now() }, config.power)
  const needs = plan.phases.reduce((sum, { within }) => sum + within, config.power.reserve)
  return { plan, left: least, runtime, why, needs }
}

/** How long the batteries last; or, as a clause, why that is not known. */
interface Runtime {
  readonly runtime: number | undefined
  readonly why?: string | undefined
}

function runtimeIn({ ms, told, why }: Left): Runtime {
  return told ? { runtime: ms } : { runtime: undefined, why }
}

/** What the UPSes say on mains of the time that they would carry their machines: the least that any machine has. */
function runtimeOf({ power }: Pick<DrillContext, 'power'>, machines: readonly Machine[]): Runtime {
  const readings = new Map(
    [...power.upses].map(([ups, state]) => [ups, 'reading' in state ? state.reading : undefined]),
  )
  const each = machines.flatMap(({ feed }) => {
    if (!feed) return []
    const known = Object.keys(feed.powerValue).flatMap((ups) => readings.get(ups)?.runtime ?? [])
    if (known.length === 0) return []
    return [feed.minSupplies > 1 ? Math.min(...known) : Math.max(...known)]
  })
  if (each.length > 0) return { runtime: Math.min(...each) }
  const whys = [...readings].map(([ups, reading]) =>
    whyUnknown(reading, 'runtime', readings.size > 1 ? ups : 'the UPS'),
  )
  return { runtime: undefined, why: whys.length === 0 ? 'no UPS is configured' : whys.join('; ') }
}

/** Checks everything that a power cut needs, and changes nothing. */
export async function rehearse(context: DrillContext): Promise<DrillReport> {
  const { now } = context
  const { plan, timeline, runtime, why, needs } = planNow(context)
  const checks = await Promise.all([
    ...context.machines.map((machine) => checkMachine(context, machine)),
    checkIdentities(context),
    checkKubernetes(context),
    checkUpses(context),
    Promise.resolve([checkFit({ runtime, why }, needs)]),
  ])
  const { form, reason } = plan
  return { at: now().toISOString(), form, reason, runtime, runtimeUnknown: why, needs, timeline, checks: checks.flat() }
}

async function checkMachine(
  { ports, signal, config, monotonic }: DrillContext,
  machine: Machine,
): Promise<DrillCheck[]> {
  const { name, kind, feed } = machine
  const begin = monotonic()
  const limited = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  const ask = kind === 'node' ? ports.talos.version(name, limited) : ports.hosts.rehearse(name, limited)
  const answers = await ask.then(
    (): DrillCheck => ({
      subject: name,
      text: kind === 'node' ? 'answers, and would accept the shutdown' : 'login works',
      ok: true,
      ms: Math.round(monotonic() - begin),
    }),
    (error: unknown): DrillCheck => ({
      subject: name,
      text: `would fail to shut down: ${messageOf(error)}`,
      ok: false,
    }),
  )
  const wakes = await checkWaking(ports, machine, limited)
  const address = config.nodes.find((node) => node.name === name)?.address
  const byName = address !== undefined && !/^[\d.]+$|:/.test(address)
  return [
    answers,
    ...(machine.tier === 'own-machine'
      ? [{ subject: name, text: 'runs Caretaker: it goes down last, and is not drained', ok: true }]
      : []),
    ...(byName
      ? [
          {
            subject: name,
            text: `is configured by name (${address}), and DNS may be down by then: use its IP address`,
            ok: false,
          },
        ]
      : []),
    wakes,
    ...(config.upses.length > 0 && !feed
      ? [{ subject: name, text: 'is not connected to any configured UPS', ok: false }]
      : []),
  ]
}

/** A packet that leaves by the wrong interface, or not at all, looks the same from here as one that arrives. */
async function checkWaking(
  { waker }: Pick<DrillContext['ports'], 'waker'>,
  { name: subject, hasMac, powerOnAfter }: Machine,
  signal: AbortSignal,
): Promise<DrillCheck> {
  if (!hasMac)
    return powerOnAfter === undefined
      ? { subject, text: 'can only be started with its power button: configure mac or wake.powerOn', ok: false }
      : { subject, text: 'can be switched on', ok: true }
  return waker.rehearse(subject, signal).then(
    (by): DrillCheck => ({ subject, text: `can be woken by magic packets from ${by}`, ok: true }),
    (error: unknown) => ({ subject, text: `magic packets would not reach it: ${messageOf(error)}`, ok: false }),
  )
}

/** The power goes by what Talos says, whatever Kubernetes makes of it; that they differ is a mistake all the same. */
async function checkIdentities({ observe }: DrillContext): Promise<DrillCheck[]> {
  const { nodes } = await observe(patience)
  return nodes.flatMap((node) => {
    const { name, role, configuredRole } = node
    const identity = describeIdentity(node)
    return [
      ...(identity === undefined ? [] : [{ subject: name, text: identity, ok: false }]),
      ...(role === configuredRole
        ? []
        : [
            {
              subject: name,
              text: `runs as a ${role} and is configured as a ${configuredRole}: it would be shut down at the wrong time`,
              ok: false,
            },
          ]),
    ]
  })
}

async function checkKubernetes({ config, ports, signal }: DrillContext): Promise<DrillCheck[]> {
  const { kubernetes } = ports
  const limited = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  const subject = 'kubernetes'
  const fault = (error: unknown): DrillCheck => ({ subject, text: messageOf(error), ok: false })
  const [rights, spared] = await Promise.all([
    kubernetes.forbidden(limited).then(
      (forbidden): DrillCheck[] =>
        forbidden.length === 0
          ? [{ subject, text: 'allows Caretaker to cordon and drain', ok: true }]
          : forbidden.map((what) => ({ subject, text: `does not allow Caretaker to ${what}`, ok: false })),
      (error: unknown) => [fault(error)],
    ),
    config.power.shed.length === 0
      ? []
      : findSheddable(kubernetes, config.power.shed, limited).then(
          ({ found, refused }): DrillCheck[] => [
            { subject, text: `${counted(found.length, 'workload')} can be shed (power.shed)`, ok: found.length > 0 },
            ...refused.map(({ why }) => ({ subject, text: why, ok: false })),
          ],
          (error: unknown) => [fault(error)],
        ),
  ])
  return [...rights, ...spared]
}

/** Each is asked now: what was heard a while ago says nothing of a server that has died since. */
async function checkUpses({ config, ports, signal }: DrillContext): Promise<DrillCheck[]> {
  if (config.upses.length === 0) return [{ subject: 'power', text: 'no UPS is configured', ok: false }]
  const asked = config.upses.map(async ({ label }): Promise<DrillCheck[]> => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    const reading = await ports.upses.get(label)?.read(limited).catch(messageOf)
    if (typeof reading === 'string' || !reading)
      return [{ subject: label, text: `does not report its status: ${reading ?? 'no answer yet'}`, ok: false }]
    const lacking = triggersOf(reading, policyFor(config, label)).filter(({ lacks }) => lacks !== undefined)
    const onMains = has(reading, 'OL') && !has(reading, 'FSD')
    return [
      {
        subject: label,
        text: `${onMains ? 'is on mains power' : 'is not on mains power'}: ${reading.status.join(' ')}`,
        ok: onMains,
      },
      ...lacking.map(({ text, disarmed }) => ({
        subject: label,
        text: `can't start a shutdown for ${text}: ${disarmed}`,
        ok: false,
      })),
    ]
  })
  return (await Promise.all(asked)).flat()
}

function checkFit({ runtime, why }: Runtime, needs: number): DrillCheck {
  const subject = 'battery'
  if (runtime === undefined)
    return { subject, text: `the plan takes ${describeClosely(needs)} at most, but ${why}`, ok: false }
  const [lasts, takes] = describeBoth(runtime, needs)
  return runtime >= needs
    ? { subject, text: `lasts ${lasts}, and the plan takes ${takes} at most`, ok: true }
    : { subject, text: `lasts ${lasts}, and the plan takes ${takes}: it would be shortened`, ok: false }
}
