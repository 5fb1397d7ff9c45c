import { alertOnce } from './alerts.ts'
import { isArmed, isHealthy } from './cluster.ts'
import type { JobContext } from './job.ts'
import { type Machine, machinesOf } from './machines.ts'
import { beginOutage, type Outage, type OutageNode, withMachines } from './outage.ts'
import { openRecord, type OutageRecord } from './outage-record.ts'
import type { OutageReason } from './triggers.ts'

/** A node that rebooted when the power failed doesn't answer and was up all the same, in ms. */
const recently = 15 * 60_000
/** What has not answered by then is taken for silent: it must not hold up what can't wait, in ms. */
const lookWithin = 1_500

export interface Begun {
  readonly record: OutageRecord
  /** Machines that an agent before us has told: when one falls silent, it has heard. */
  readonly toldBefore: ReadonlySet<string>
}

/**
 * Opens the record of the outage for these machines, or goes on with the one that is open: what is up now, or was a
 * moment ago, is what is woken afterwards. On the disk before the first look at anything.
 */
export async function beginOrResume(
  context: JobContext,
  reason: OutageReason,
  machines: readonly Machine[],
): Promise<Begun> {
  const { ports, now, answeredWithin } = context
  const open = ports.journal.openOutage()
  const record = openRecord(context, open ?? beginOutage(now(), reason))
  const added = machines.filter(({ name }) => !record.current.nodes[name]).map(({ name }) => name)
  const hosts = machines.filter(({ kind }) => kind === 'host').map(({ name }) => name)
  record.update((outage) => ({
    ...withMachines(outage, added, new Set([...answeredWithin(recently), ...hosts])),
    // What was begun for a power that came back, or that was only used sparingly, is meant in earnest now.
    stage: outage.stage === 'waking' ? 'stopping' : outage.stage === 'shedding' ? 'draining' : outage.stage,
    reason: outage.reason === 'on-battery' || outage.reason === 'drill' ? reason : outage.reason,
  }))
  const toldBefore = new Set(namesOf(record.current, 'shutdown-sent'))
  const [seen] = await Promise.all([look(context, machines), lookForWhatScales(context, record)])
  const spared: string[] = []
  record.update((outage) =>
    machines.reduce((one, machine) => {
      const isNew = added.includes(machine.name)
      const sight = seen.get(machine.name)!
      if (isNew) return withFirstSight(one, machine, sight)
      if (!sight.answers) return one
      if (isSpared(context, one, machine)) {
        spared.push(machine.name)
        return one
      }
      return withState(one, machine.name, stateOnSight(one.nodes[machine.name]!, sight))
    }, outage),
  )
  saySpared(context, spared)
  return { record, toldBefore }
}

function saySpared({ ports }: JobContext, spared: readonly string[]): void {
  const text = `${spared.join(', ')} answers while the UPS is silent, and is left alone: is mains back?`
  alertOnce(ports.journal, 'spared', spared.length > 0 ? text : undefined)
}

/** Machines that were told and answer all the same: they booted meanwhile, and are to be told again. */
export async function comesUp(context: JobContext, outage: Outage, machines: readonly Machine[]): Promise<string[]> {
  const told = machines.filter(({ name, kind }) => {
    const state = outage.nodes[name]?.state
    // A host doesn't say that it is on its way down.
    return state === 'off' || state === 'unreached' || (state === 'abandoned' && kind === 'node')
  })
  const seen = await look(context, told)
  const up = told.filter(({ name }) => {
    const { answers, stopping } = seen.get(name)!
    return answers && !stopping
  })
  const spared = up.filter((machine) => isSpared(context, outage, machine)).map(({ name }) => name)
  saySpared(context, spared)
  return up.map(({ name }) => name).filter((name) => !spared.includes(name))
}

interface Sight {
  readonly answers: boolean
  /** It is on its way down. */
  readonly stopping: boolean
  /** It was up a moment ago, as Kubernetes or our own mark says. */
  readonly wasUp: boolean
  readonly wasHealthy: boolean
}

async function look(context: JobContext, machines: readonly Machine[]): Promise<ReadonlyMap<string, Sight>> {
  const { config, ports, observe, signal } = context
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
  const sights = new Map<string, Sight>(
    hosts.map(({ name }, index) => {
      const up = answers[index]!
      return [name, { answers: up, stopping: false, wasUp: up, wasHealthy: true }]
    }),
  )
  const armed: string[] = []
  for (const node of cluster?.nodes ?? []) {
    const marked = node.kubernetes.ok && node.kubernetes.value.cordon?.why === 'upgrade'
    sights.set(node.name, {
      answers: node.talos.ok,
      stopping: node.talos.ok && node.talos.value.stage === 'shutting down',
      wasUp: node.talos.ok || marked || (node.kubernetes.ok && node.kubernetes.value.ready),
      // What is being upgraded was healthy when that began.
      wasHealthy: isHealthy(node) || marked || !node.kubernetes.ok,
    })
    if (isArmed(node) && machines.some(({ name }) => name === node.name)) armed.push(node.name)
  }
  alertOnce(
    ports.journal,
    'armed-outage',
    armed.length === 0
      ? undefined
      : `${armed.join(', ')} will start another release at the next boot: an upgrade was installed there`,
  )
  const silent = { answers: false, stopping: false, wasUp: false, wasHealthy: true }
  return new Map(machinesOf(config).map(({ name }) => [name, sights.get(name) ?? silent]))
}

/** What is there to be scaled down and set, as it is before anything is changed. An API that is away is done without. */
async function lookForWhatScales({ config, ports, signal }: JobContext, record: OutageRecord): Promise<void> {
  const { kubernetes } = ports
  const { shed, storageFlags } = config.power
  const within = () => AbortSignal.any([signal, AbortSignal.timeout(lookWithin)])
  const look = <T>(isWanted: boolean, question: () => Promise<T>) =>
    isWanted ? question().catch(() => undefined) : undefined
  const [scaled, storage] = await Promise.all([
    look(record.current.scaled === undefined && shed.length > 0, () => kubernetes.scalable(shed, within())),
    look(record.current.storage === undefined && storageFlags, () => kubernetes.storageSettings(within())),
  ])
  record.update((outage) => ({
    ...outage,
    ...(scaled && outage.scaled === undefined ? { scaled } : {}),
    ...(storage && outage.storage === undefined ? { storage } : {}),
  }))
}

function withFirstSight(
  outage: Outage,
  { name, kind }: Machine,
  { answers, wasUp, wasHealthy, stopping }: Sight,
): Outage {
  const before = outage.nodes[name]!
  const node: OutageNode = {
    ...before,
    wasUp: kind === 'host' ? answers : before.wasUp || wasUp,
    ...(kind === 'node' ? { wasHealthy } : {}),
    ...(stopping ? { state: 'shutdown-sent' as const } : {}),
  }
  return { ...outage, nodes: { ...outage.nodes, [name]: node } }
}

/**
 * A machine that answers is up, whatever the record says: it booted meanwhile, or never stopped. Pods are on it only
 * where it was given back to Kubernetes, or never drained.
 */
function stateOnSight({ state }: OutageNode, { stopping }: Sight): OutageNode['state'] {
  if (stopping) return state === 'abandoned' ? 'abandoned' : 'shutdown-sent'
  return state === 'up' || state === 'back' ? 'up' : 'drained'
}

/**
 * While its UPS is silent a machine that booted is a sign of mains and not of a battery to be spared: it is left alone.
 */
function isSpared({ config, power, monotonic }: JobContext, outage: Outage, { name, feed }: Machine): boolean {
  const state = outage.nodes[name]?.state
  if (outage.stage !== 'stopped' || (state !== 'off' && state !== 'abandoned' && state !== 'unreached')) return false
  if (power.ordered !== undefined) return false
  return Object.keys(feed?.weights ?? {}).every((label) => {
    const ups = power.upses.get(label)
    return ups?.mode !== 'critical' || monotonic() - ups.lastHeard > config.power.silence
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
