import { type Cluster, isHealthy, type Node } from '../core/cluster/cluster.ts'
import { type NextBoot, nextBootOf } from '../core/cluster/next-boot.ts'
import type { JobContext } from './job.ts'
import type { Machine } from '../core/power/machines.ts'
import { beginOutage, type Outage, type OutageNode, withMachines, withProofOfLife } from '../core/power/outage.ts'
import { reportArmedOutage, reportLookup, reportRefused, reportSpared } from './outage-alerts.ts'
import { openRecord, type OutageRecord } from './outage-record.ts'
import { findSheddable } from './shed.ts'
import { apiWithin } from '../core/power/shutdown.ts'
import { remembered } from './facts.ts'
import type { OutageReason } from '../core/power/triggers.ts'

/** A node that rebooted when the power failed doesn't answer and was up all the same, in ms. */
const recently = 15 * 60_000
/** What has not answered by then is taken for silent: it must not hold up what can't wait, in ms. */
const lookWithin = 1_500

export interface Begun extends Disposable {
  readonly record: OutageRecord
  /** Machines whose shutdown an agent before us has requested: when one falls silent, it has heard. */
  readonly requestedBefore: ReadonlySet<string>
  /** What can be scaled and set was looked up, or could not be. */
  readonly prepared: Promise<void>
  /** What the first look at the machines says is on record, or it could not be taken. */
  readonly seen: Promise<void>
  /** Resolves when all looks are over; disposing ends those that are not. */
  readonly looked: Promise<void>
}

/**
 * Opens the record of the outage for these machines, or continues with the one that is open: what is up now, or was a
 * moment ago, is what is woken afterwards. On the disk before the first look at anything. Nothing that can't wait waits
 * for a look: machines that are new to the record count as up, and are looked at beside what is done. Only what the
 * record calls down, or about to be, is looked at first, because it may be up again.
 */
export async function beginOrResume(
  context: JobContext,
  reason: OutageReason,
  machines: readonly Machine[],
): Promise<Begun> {
  const { ports, now, answeredWithin } = context
  const open = ports.journal.openOutage()
  const record = openRecord(context, open ?? beginOutage(now(), reason))
  const added = machines.filter(({ name }) => !record.current.nodes[name])
  const known = machines.filter((machine) => !added.includes(machine))
  const hosts = added.filter(({ kind }) => kind === 'host').map(({ name }) => name)
  const isBackAgain = machines.some(({ name }) => isBack(record.current.nodes[name]?.state))
  record.update((outage) => ({
    ...withMachines(
      outage,
      added.map(({ name }) => name),
      new Set([...answeredWithin(recently), ...hosts]),
    ),
    // A second cut: what was said and done at the end of the first is to be said and done again.
    ...(isBackAgain ? { loggedOut: undefined, cut: undefined, stoppedAt: undefined, wokenAt: undefined } : {}),
    upses: [...new Set([...(outage.upses ?? []), ...failingUpses(context)])],
    ...(context.bootId === undefined ? {} : { bootId: context.bootId }),
    // A recovery or shed load becomes a real shutdown now.
    stage: outage.stage === 'waking' ? 'stopping' : outage.stage === 'shedding' ? 'draining' : outage.stage,
    reason: outage.reason === 'on-battery' || outage.reason === 'drill' ? reason : outage.reason,
  }))
  if (!open || isBackAgain) remembered.wakeNow.remember(ports.journal, undefined)
  const requestedBefore = new Set(namesOf(record.current, 'shutdown-sent'))
  const ending = new AbortController()
  const beside = { ...context, signal: AbortSignal.any([context.signal, ending.signal]) }
  const prepared = lookForWhatScales(beside, record)
  // Cancelled observations are not reported.
  const seen = Promise.allSettled([added.length > 0 ? lookAtNew(beside, record, added) : undefined])
  const looked = Promise.allSettled([prepared, seen])
  if (known.length > 0) await lookAgain(context, record, known)
  return {
    record,
    requestedBefore,
    prepared,
    seen: seen.then(() => undefined),
    looked: looked.then(() => undefined),
    [Symbol.dispose]: () => ending.abort(new Error('the observation is over')),
  }
}

/** Machines that the record did not know: what they are now is what they were, unless our own order has changed it. */
async function lookAtNew(context: JobContext, record: OutageRecord, added: readonly Machine[]): Promise<void> {
  const seen = await look(context, added)
  if (context.signal.aborted) return
  const silent = unseenAfterLoss(context, added, seen)
  record.update((outage) => {
    const sighted = added.reduce((one, machine) => withFirstSight(one, machine, seen.get(machine.name)!), outage)
    return silent.reduce(withProofOfLife, sighted)
  })
}

/**
 * Silent machines that count as up although nobody has seen them so: where the journal is lost an outage may have been
 * under way, and the marks on the nodes that tell of it are with the control planes.
 */
function unseenAfterLoss(
  { ports }: JobContext,
  added: readonly Machine[],
  seen: ReadonlyMap<string, MachineObservation>,
): readonly string[] {
  if (remembered.lost.recall(ports.journal) === undefined) return []
  if ([...seen.values()].some(({ isMarkable }) => isMarkable)) return []
  return added.filter(({ tier }) => tier === 'control-planes' || tier === 'nas').map(({ name }) => name)
}

async function lookAgain(context: JobContext, record: OutageRecord, known: readonly Machine[]): Promise<void> {
  const seen = await look(context, known)
  const spared: string[] = []
  record.update((outage) =>
    known.reduce((one, machine) => {
      const sight = seen.get(machine.name)!
      if (!sight.answers) return one
      if (!isSpared(context, one, machine))
        return withState(one, machine.name, stateOnSight(one.nodes[machine.name]!, sight))
      spared.push(machine.name)
      return one
    }, outage),
  )
  reportSpared(context.alerts, spared)
}

function isBack(state: OutageNode['state'] | undefined): boolean {
  return state === 'back' || state === 'wake-sent'
}

function failingUpses({ power }: JobContext): string[] {
  return [...power.upses].flatMap(([label, { mode }]) => (mode === 'critical' ? [label] : []))
}

/** Machines that answer although their shutdown was requested: they booted meanwhile, and are shut down again. */
export async function comesUp(context: JobContext, outage: Outage, machines: readonly Machine[]): Promise<string[]> {
  const requested = machines.filter(({ name, kind }) => {
    const state = outage.nodes[name]?.state
    // A host doesn't say that it is on its way down.
    const mayHang = state === 'abandoned' || state === 'shutdown-sent'
    return state === 'off' || state === 'unreached' || (mayHang && kind === 'node')
  })
  const seen = await look(context, requested)
  const up = requested.filter(({ name }) => {
    const { answers, stopping } = seen.get(name)!
    return answers && !stopping
  })
  const spared = up.filter((machine) => isSpared(context, outage, machine)).map(({ name }) => name)
  reportSpared(context.alerts, spared)
  return up.map(({ name }) => name).filter((name) => !spared.includes(name))
}

interface MachineObservation {
  readonly answers: boolean
  /** It is on its way down. */
  readonly stopping: boolean
  /** Kubernetes tells of it, and so of our mark. */
  readonly isMarkable: boolean
  /** It was up a moment ago, as Kubernetes or our own mark says. */
  readonly wasUp: boolean
  readonly wasHealthy: boolean
}

async function look(
  context: JobContext,
  machines: readonly Machine[],
): Promise<ReadonlyMap<string, MachineObservation>> {
  const { ports, observe, signal } = context
  const hosts = machines.filter(({ kind }) => kind === 'host')
  const needsNodes = machines.some(({ kind }) => kind === 'node')
  const [cluster, answers] = await Promise.all([
    needsNodes ? observe(lookWithin) : undefined,
    Promise.all(
      hosts.map(({ name }) =>
        ports.hosts.answers(name, AbortSignal.any([signal, AbortSignal.timeout(lookWithin)])).catch(() => false),
      ),
    ),
  ])
  const sights = new Map<string, MachineObservation>(
    hosts.map(({ name }, index) => {
      const up = answers[index]!
      return [name, { answers: up, stopping: false, isMarkable: false, wasUp: up, wasHealthy: true }]
    }),
  )
  for (const node of cluster?.nodes ?? []) {
    const marked = isMarked(node)
    sights.set(node.name, {
      answers: node.talos.ok,
      stopping: node.talos.ok && node.talos.value.stage === 'shutting down',
      isMarkable: node.kubernetes.ok,
      wasUp: node.talos.ok || marked || (node.kubernetes.ok && node.kubernetes.value.ready),
      // What is being upgraded was healthy when that started.
      wasHealthy: isHealthy(node) || marked || !node.kubernetes.ok,
    })
  }
  if (cluster) tellOfArmed(context, cluster)
  const silent = { answers: false, stopping: false, isMarkable: false, wasUp: false, wasHealthy: true }
  return new Map(context.machines.map(({ name }) => [name, sights.get(name) ?? silent]))
}

/** Reports every node that loses its power, not only those in this look: one look must not settle what another found. */
function tellOfArmed({ alerts, ports }: JobContext, { nodes }: Cluster): void {
  const onRecord = ports.journal.openOutage()?.nodes ?? {}
  const failing = nodes.filter(({ name }) => onRecord[name] !== undefined)
  // A node that is silent by now may still be armed.
  if (alerts.find('outage.armed') && failing.some(({ talos }) => !talos.ok)) return
  const namesOf = (kind: NextBoot['kind'], found: readonly Node[]) =>
    found.filter((node) => nextBootOf(node).kind === kind).map(({ name }) => name)
  // What no one can tell of is said where something of ours may have been installed there.
  const doubtful = failing.filter((node) => node.talos.ok && isMarked(node))
  reportArmedOutage(alerts, namesOf('another', failing), namesOf('unknown', doubtful))
}

function isMarked({ kubernetes }: Node): boolean {
  return kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade'
}

/**
 * What is there to be scaled down and set, as it is before anything is changed. It is needed only when nodes are about to
 * be drained, and may take its time: nodes are cordoned meanwhile. An API that is away is done without.
 */
async function lookForWhatScales({ config, ports, alerts, signal }: JobContext, record: OutageRecord): Promise<void> {
  const { kubernetes } = ports
  const { shed, storageFlags } = config.power
  const limit = AbortSignal.any([signal, AbortSignal.timeout(apiWithin)])
  const isEarly = () => record.current.stage === 'draining'
  const look = async <T>(what: 'workloads' | 'storage', question: Promise<T>, note: (answer: T) => Partial<Outage>) => {
    const answer = await question.catch((error: unknown) => {
      if (signal.aborted) return undefined
      reportLookup(alerts, what, error)
      return undefined
    })
    if (answer === undefined) return
    reportLookup(alerts, what, undefined)
    // What comes too late is left alone.
    if (isEarly()) record.update((outage) => ({ ...note(answer), ...outage }))
  }
  const looks = [
    ...(shed.length > 0 && record.current.scaled === undefined
      ? [
          look('workloads', findSheddable(kubernetes, shed, limit), (sheddable) => {
            reportRefused(alerts, sheddable)
            return { scaled: sheddable.found }
          }),
        ]
      : []),
    ...(storageFlags && record.current.storage === undefined
      ? [look('storage', kubernetes.storageSettings(limit), (storage) => ({ storage }))]
      : []),
  ]
  await Promise.all(looks)
}

function withFirstSight(
  outage: Outage,
  { name, kind }: Machine,
  { answers, wasUp, wasHealthy, stopping }: MachineObservation,
): Outage {
  const before = outage.nodes[name]!
  const isOurs = before.state !== 'up' && before.state !== 'drained'
  const node: OutageNode = {
    ...before,
    // One that we have shut down meanwhile was up, whatever it looks like now.
    wasUp: kind === 'host' ? answers || (isOurs && before.state !== 'unreached') : before.wasUp || wasUp,
    ...(kind === 'node' ? { wasHealthy: wasHealthy || isOurs } : {}),
    ...(stopping && !isOurs ? { state: 'shutdown-sent' as const } : {}),
  }
  return { ...outage, nodes: { ...outage.nodes, [name]: node } }
}

/**
 * A machine that answers is up, whatever the record says: it booted meanwhile, or never stopped. Pods are on it only
 * where it was given back to Kubernetes, or never drained.
 */
function stateOnSight({ state }: OutageNode, { stopping }: MachineObservation): OutageNode['state'] {
  if (stopping) return state === 'abandoned' ? 'abandoned' : 'shutdown-sent'
  return state === 'up' || state === 'back' ? 'up' : 'drained'
}

/**
 * While its UPS is silent a machine that booted is a sign of mains and not of a battery to be spared: it is left alone.
 */
function isSpared({ config, power, monotonic }: JobContext, outage: Outage, { name, feed }: Machine): boolean {
  const { state } = outage.nodes[name]!
  if (outage.stage !== 'stopped' || (state !== 'off' && state !== 'abandoned' && state !== 'unreached')) return false
  if (power.ordered !== undefined) return false
  return Object.keys(feed?.powerValue ?? {}).every((label) => {
    const ups = power.upses.get(label)
    return ups?.mode !== 'critical' || monotonic() - ups.lastHeard > config.power.deadTime
  })
}

function withState(outage: Outage, name: string, state: OutageNode['state']): Outage {
  const before = outage.nodes[name]!
  if (before.state === state && before.wasUp) return outage
  return { ...outage, nodes: { ...outage.nodes, [name]: { ...before, wasUp: true, state } } }
}

function namesOf({ nodes }: Outage, state: OutageNode['state']): string[] {
  return Object.entries(nodes).flatMap(([name, node]) => (node.state === state ? [name] : []))
}
