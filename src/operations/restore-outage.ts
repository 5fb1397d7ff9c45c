import { agreeing, listed } from '../core/count.ts'
import type { ScaledWorkload } from '../core/cluster/workload.ts'
import { after, done, later, type Outcome } from '../core/job.ts'
import { bestEffort, phase, type Step } from '../core/plan.ts'
import {
  isOrdered,
  type LeftOff,
  leftOff,
  type Remains,
  restoreBlindly,
  restoreOutage,
  type Sight,
} from '../core/power/restore.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'

/** A look at what has been left behind, in ms. */
const lookWithin = 5_000
/** While Kubernetes does not answer, ms between two looks: nobody says when it does. */
const looksAgain = 60_000

/** The same while it starts. */
const soon = 5_000
/** Between two looks at machines that are left off, in ms. */
const looksForLeft = 10 * 60_000
/** In ms. A machine that is off for longer is off on purpose, and its alert ends. */
const reportedFor = 7 * 86_400_000

/** What a power cut without a record has left behind. */
export type Leftovers =
  | { readonly kind: 'nothing'; readonly outcome: Outcome }
  | ({ readonly kind: 'something' } & Remains)

/** Looks for our marks of a power cut that has no record, because the journal was lost. Changes nothing. */
export async function lookForLeftovers(context: JobContext): Promise<Leftovers> {
  const { ports, power, now } = context
  const nothing = (outcome: Outcome): Leftovers => ({ kind: 'nothing', outcome })
  if ([...power.upses.values()].some(({ mode }) => mode !== 'on-mains')) return nothing(done('mains power is not back'))
  const isLost = remembered.lost.recall(ports.journal) !== undefined
  const [nodes, scaled] = await Promise.all([lookAt(context, ports.kubernetes.nodes), lookAtScaled(context)])
  if (nodes === undefined && !isLost)
    return nothing(later('Kubernetes does not answer: nothing tells of a power cut', after(now(), looksAgain)))
  const isMarked = [...(nodes?.values() ?? [])].some(({ cordon }) => cordon?.why === 'power')
  if (nodes !== undefined && !isMarked && (scaled ?? []).length === 0) {
    // A shutdown in a hurry leaves no mark: what is off may have been shut down by it.
    const mayBeLeft = isLost || leftAlerts.some((id) => context.alerts.find(id))
    if (mayBeLeft) tellWhoIsLeft(context, leftOff(await seeAll(context)))
    if (scaled === undefined)
      return nothing(later('Kubernetes does not tell which workloads were scaled down', after(now(), looksAgain)))
    if (isLost) remembered.lost.remember(ports.journal, undefined)
    // A machine that somebody switches on sends no event.
    const isOpen = leftAlerts.some((id) => context.alerts.find(id))
    return nothing(
      isOpen
        ? later('a person decides over what is left off', after(now(), looksForLeft))
        : done('there was no power cut'),
    )
  }
  return { kind: 'something', machines: await seeAll(context), scaled }
}

/**
 * Finishes a power cut that has no record: takes our cordons off what is up, and makes the record anew where machines are
 * to be woken, or workloads scaled up. Then the next run does that.
 */
export async function finishUnrecorded(context: JobContext): Promise<Outcome> {
  const { ports, carryOut, now } = context
  const { journal } = ports
  const found = await lookForLeftovers(context)
  if (found.kind === 'nothing') return found.outcome
  const isBlind = found.machines.every(({ kubernetes }) => kubernetes === undefined)
  const restored = restoreOutage(found, now())
  // Before the record is there, which is all that the next agent sees.
  if (!isBlind) {
    tellWhoIsLeft(context, leftOff(found.machines, restored))
    await tellOfStorage(context)
  }
  if (restored) {
    journal.write({ kind: 'power', text: 'an outage without a record is finished, as the marks on the nodes tell' })
    journal.saveOutage(restored)
    return later('an outage was found that is not on record', now())
  }
  const lost = remembered.lost.recall(journal)
  const outage = lost && isBlind ? restoreBlindly(found.machines, new Date(lost.at)) : undefined
  if (outage) {
    const text = 'the journal is lost and no control plane answers: they are woken, to see what was shut down'
    journal.write({ kind: 'power', text })
    journal.saveOutage(outage)
    return later(text, now())
  }
  if (isBlind) return later('Kubernetes does not answer yet: its nodes bear the marks', after(now(), soon))
  const isOurs = (sight: Sight) => sight.kubernetes?.cordon?.why === 'power' && !isOrdered(sight)
  const ours = found.machines.filter(isOurs).map(({ machine }) => machine.name)
  const isMore = lost !== undefined || found.scaled === undefined || found.machines.some(isOrdered)
  const end = (text: string) => (isMore ? later(text, after(now(), looksAgain)) : done(text))
  if (ours.length === 0) return end('nothing is left of a power cut without a record that we may undo')
  const steps = ours.map((node): Step => ({ do: 'uncordon', node, why: 'power' }))
  await carryOut([bestEffort(phase('uncordon', [], ...steps))])
  return end(`${ours.join(', ')} uncordoned: left cordoned by a power cut without a record`)
}

async function lookAt<T>(
  { signal }: JobContext,
  question: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(lookWithin)])
  try {
    return await question(limit)
  } catch {
    return undefined
  }
}

/** Undefined: Kubernetes does not tell. */
async function lookAtScaled(context: JobContext): Promise<readonly ScaledWorkload[] | undefined> {
  if (context.config.power.shed.length === 0) return []
  return lookAt(context, context.ports.kubernetes.scaledDown)
}

async function seeAll(context: JobContext): Promise<readonly Sight[]> {
  const { machines, ports, observe } = context
  const { nodes } = await observe(lookWithin)
  return Promise.all(
    machines.map(async (machine): Promise<Sight> => {
      if (machine.kind === 'host')
        return { machine, isUp: (await lookAt(context, (soon) => ports.hosts.answers(machine.name, soon))) === true }
      const node = nodes.find(({ name }) => name === machine.name)
      const isUp = node?.talos.ok === true && node.talos.value.stage !== 'shutting down'
      return { machine, isUp, kubernetes: node?.kubernetes.ok ? node.kubernetes.value : undefined }
    }),
  )
}

const leftAlerts = ['journal.unmarked', 'journal.ordered']

/** What storage systems were before bears no mark: a person who set it is not to lose it, nor is one to rely on it. */
async function tellOfStorage(context: JobContext): Promise<void> {
  const { alerts, config, ports } = context
  if (!config.power.storageFlags) return
  const found = await lookAt(context, ports.kubernetes.storage)
  // Where nobody tells which there are, it may be any.
  const systems = found?.systems ?? (['ceph', 'longhorn'] as const)
  const names = systems.map((system) => (system === 'ceph' ? 'Ceph' : 'Longhorn'))
  if (names.length === 0) return
  alerts.open('journal.storage', {
    severity: 'warning',
    subject: listed(names),
    text: `with the journal it is lost what ${listed(names)} had set before the outage: settings of the shutdown may still be in force`,
    action:
      'Check Ceph (`ceph osd unset noout`, likewise nobackfill, norecover and norebalance) and Longhorn (node-drain-policy, replica-replenishment-wait-interval, concurrent-replica-rebuild-per-node-limit). This alert ends with the next restart',
  })
}

/** A person decides over what no mark tells of, and over what a person has ordered. */
function tellWhoIsLeft({ alerts, now }: JobContext, { unmarked, ordered }: LeftOff): void {
  const isOld = (id: string) => now().getTime() - Date.parse(alerts.find(id)?.since ?? '') > reportedFor
  const wake = (names: readonly string[]) => names.map((name) => `\`caretaker power wake ${name}\``).join(', ')
  alerts.report(
    'journal.unmarked',
    unmarked.length === 0 || isOld('journal.unmarked')
      ? undefined
      : {
          severity: 'critical',
          subject: listed(unmarked),
          text: `${listed(unmarked)} ${agreeing(unmarked, 'is', 'are')} off, and with the journal it is lost whether ${agreeing(unmarked, 'it was', 'they were')} up before the outage`,
          action: `Wake what is to run: ${wake(unmarked)}`,
        },
  )
  alerts.report(
    'journal.ordered',
    ordered.length === 0 || isOld('journal.ordered')
      ? undefined
      : {
          severity: 'warning',
          subject: listed(ordered),
          text: `${listed(ordered)} ${agreeing(ordered, 'was', 'were')} shut down on request, and ${agreeing(ordered, 'stays', 'stay')} down`,
          action: `Wake what is to run: ${wake(ordered)}`,
        },
  )
}
