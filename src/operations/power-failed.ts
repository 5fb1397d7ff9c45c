import { type AlertContent, headOf } from '../core/alert.ts'
import { capitalized } from '../core/capitalized.ts'
import { listed } from '../core/count.ts'
import { describeDuration } from '../core/duration.ts'
import { describeReason } from '../core/event.ts'
import { cancelledIn, describeRestarts, triggersIn } from '../core/power/cancelled.ts'
import { failingMachines } from '../core/power/machines.ts'
import type { Outage } from '../core/power/outage.ts'
import { isShutDownPhase } from '../core/power/phases.ts'
import { type PowerState, useOf } from '../core/power/state.ts'
import { type OutageReason, policyFor } from '../core/power/triggers.ts'
import { summarize } from '../core/power/summary.ts'
import type { TimelineRow } from '../core/power/timeline.ts'
import type { Wording } from '../core/wording.ts'
import type { JobContext } from './job.ts'
import { planNow } from './rehearse.ts'

export type PowerFailureContext = Pick<
  JobContext,
  'config' | 'machines' | 'ports' | 'power' | 'now' | 'monotonic' | 'wording' | 'alerts'
>

/** The alert on a power cut, from the first moment on battery until everything is as it was. */
export const powerFailed = 'power.failed'

/** Opens the alert on a power cut, keeps it true, or settles it. To be called whenever the power or the outage changes. */
export function reportPowerFailure(context: PowerFailureContext): void {
  const { alerts } = context
  const content = contentOf(context)
  if (!content) return isUnheard(context.power) ? undefined : settlePowerFailure(context)
  const before = alerts.find(powerFailed)
  // Figures move all the time: that is no line of the journal.
  if (before?.severity === content.severity && stageIn(before.text) === stageIn(content.text))
    alerts.refresh(powerFailed, content)
  else {
    alerts.open(powerFailed, content)
    // Buttons name the power cut by when its alert was opened, which is known from here on.
    if (!before) alerts.refresh(powerFailed, contentOf(context)!)
  }
}

function settlePowerFailure(context: PowerFailureContext): void {
  const { alerts } = context
  const before = alerts.find(powerFailed)
  if (!before) return
  // Its last stage is over, too: that mains power is back, say.
  alerts.refresh(powerFailed, { ...before, text: 'mains power failed' })
  alerts.settle(powerFailed, endOf(context))
}

/** How a power cut ended: with what was done about it, or before anything was. */
function endOf({ alerts, ports, power }: PowerFailureContext): string {
  const [last] = ports.journal.outages(1)
  const since = alerts.find(powerFailed)?.since
  // The digest says what took how long.
  if (last?.endedAt !== undefined && since !== undefined && last.endedAt >= since)
    return headOf({ text: summarize(last) })
  const isBack = [...power.upses.values()].every(({ mode }) => mode === 'on-mains')
  return isBack ? 'mains power is back, and nothing was shut down' : 'no UPS is on battery any more'
}

/** What the text begins with says what happens; figures come later. */
const stageIn = (text: string) => /^[^:(]*/.exec(text)![0]

function contentOf(context: PowerFailureContext): AlertContent | undefined {
  const { ports, power } = context
  const outage = ports.journal.openOutage()
  if (outage && outage.reason !== 'drill' && outage.stage !== 'shedding') return contentOfOutage(context, outage)
  // Its record comes a moment later.
  const begun = [...power.upses.values()].find((state) => state.mode === 'critical')
  if (begun && failingMachines(context.machines, power).length > 0) return contentOfBeginning(context, begun.reason)
  const labels = [...power.upses].flatMap(([label, state]) => (isOnBattery(state) ? [label] : []))
  return labels.length === 0 ? undefined : contentOnBattery(context, labels)
}

/** Whether the battery is in use, believed or not. */
function isOnBattery(state: PowerState): boolean {
  return state.mode !== 'on-mains' ? useOf(state) !== undefined : (state.use?.battery.isSo ?? false)
}

/** Right after a start nothing is known of a UPS that was on battery: the power cut is not over because of that. */
function isUnheard({ upses }: PowerFailureContext['power']): boolean {
  return [...upses.values()].some((state) => state.mode === 'unknown' && (state.wasOnBattery || state.openOutage))
}

/** Nothing was done yet: what will be, when, and what stops it. */
function contentOnBattery(context: PowerFailureContext, labels: readonly string[]): AlertContent {
  const { power } = context
  const states = labels.map((label) => [label, power.upses.get(label)!] as const)
  const isCancelled = states.every(([, state]) => state.mode === 'on-battery' && state.calledOff !== undefined)
  const subject = labels.length === 1 ? labels[0]! : 'power'
  return {
    severity: 'warning',
    subject,
    text: `${isCancelled ? 'the shutdown is cancelled' : 'mains power failed'}: ${listed(states.map(([label, state]) => describeBattery(label, state)))}. ${describeNext(context, states, isCancelled)}`,
    ...(isCancelled ? {} : offer(context, 'cancel')),
  }
}

/** What is to come, as sentences without the last full stop. */
function describeNext(
  context: PowerFailureContext,
  states: readonly (readonly [string, PowerState])[],
  isCancelled: boolean,
): string {
  const { timeline, runtime } = planNow(context, context.ports.journal.openOutage())
  const lasts = runtime === undefined ? '' : `. The battery lasts ${describeDuration(runtime)}`
  if (isCancelled)
    return `${capitalized(describeRestarts(cancelledIn(states, (label) => policyFor(context.config, label))))}${lasts}`
  // One that has failed starts nothing more.
  const lasting = states.filter(([, { mode }]) => mode !== 'critical')
  if (lasting.length === 0)
    return `Nothing is shut down, because no machine depends on ${states.length === 1 ? 'it' : 'them'} alone`
  const turns = describeTurns(timeline, context.wording)
  const then = turns === '' ? '' : `. Then: ${turns}`
  return `If mains power stays off, a shutdown starts ${describeStarts(context, lasting)}${then}${lasts}`
}

function describeBattery(label: string, state: PowerState): string {
  if (state.mode === 'critical') return `${label} counts as failed, because ${describeReason(state.reason)}`
  const { charge } = ('reading' in state ? state.reading : undefined) ?? {}
  return `${label} is on battery${charge === undefined ? '' : ` with ${Math.round(charge)} %`}`
}

/** `shut down workers after 8 s, shut down control planes after 18 s`; empty where nothing goes down. */
function describeTurns(timeline: readonly TimelineRow[], { titleOf }: Pick<Wording, 'titleOf'>): string {
  return timeline
    .filter(({ phase }) => isShutDownPhase(phase))
    .map(({ phase, from }) => `${titleOf(phase)} after ${describeDuration(from)}`)
    .join(', ')
}

/** `after 20 min at the latest, sooner on a low battery (LB) or a charge below 30 %`. */
function describeStarts(
  { config }: Pick<PowerFailureContext, 'config'>,
  states: readonly (readonly [string, PowerState])[],
): string {
  return states
    .map(([label, state]) => {
      const policy = policyFor(config, label)
      const armed = triggersIn(state, policy).filter(({ disarmed }) => disarmed === undefined)
      const sooner = armed.filter(({ reason }) => reason !== 'on-battery-too-long')
      const latest =
        policy.maxOnBattery === undefined || sooner.length === armed.length
          ? 'as late as the battery allows'
          : `after ${describeDuration(policy.maxOnBattery)} at the latest`
      return `${states.length > 1 ? `${label}: ` : ''}${latest}, sooner on ${listed(
        sooner.map(({ text }) => text),
        'or',
      )}`
    })
    .join('; ')
}

function contentOfOutage(context: PowerFailureContext, { stage, reason }: Outage): AlertContent {
  const why = describeReason(reason)
  const isFailing = failingMachines(context.machines, context.power).length > 0 || isUnheard(context.power)
  switch (stage) {
    case 'shedding':
    case 'draining':
      return isFailing
        ? contentOfBeginning(context, reason)
        : warning('a shutdown of the cluster was cancelled: what was done is being undone')
    case 'stopping':
      return isFailing
        ? critical(`the machines are shutting down: ${why}`, offer(context, 'cancel'))
        : warning('the shutdown has ended: no more machines go down, and those that are down are woken on mains power')
    case 'stopped':
      return context.power.ordered === undefined
        ? critical(`the machines are shut down: ${why}. They are woken when mains power is back`, {})
        : critical(`the machines are shut down: ${why}. They stay down until \`caretaker power wake\``, {})
    case 'waking':
      return warning('mains power is back: the machines are being woken', offer(context, 'wake'))
    case 'over':
      return warning('the power cut is over')
    default:
      return stage satisfies never
  }
}

function contentOfBeginning(context: PowerFailureContext, reason: OutageReason): AlertContent {
  const text = `a shutdown of the cluster has begun: ${describeReason(reason)}. Nothing is off yet`
  return critical(text, offer(context, 'cancel'))
}

const critical = (text: string, offers: Partial<AlertContent>): AlertContent => ({
  severity: 'critical',
  subject: 'power',
  text,
  ...offers,
})

const warning = (text: string, offers: Partial<AlertContent> = {}): AlertContent => ({
  severity: 'warning',
  subject: 'power',
  text,
  ...offers,
})

/** Bound to this power cut: the button of another one does nothing. */
function offer({ alerts, now }: PowerFailureContext, action: 'cancel' | 'wake'): Partial<AlertContent> {
  const subject = alerts.find(powerFailed)?.since ?? now().toISOString()
  const words = {
    cancel: 'Cancel it with `caretaker power cancel`',
    wake: 'To wait for nothing, run `caretaker power wake`',
  }
  return { action: words[action], offers: [{ do: action, subject }] }
}

/** How a change of the power is noticed: the mode, and whether the battery is in use. */
export function powerSignature({ upses, ordered }: PowerFailureContext['power']): string {
  return [...upses].map(([label, state]) => `${label} ${state.mode} ${isOnBattery(state)}`).join(' ') + (ordered ?? '')
}
