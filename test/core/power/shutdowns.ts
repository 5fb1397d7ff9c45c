import { type Machine, type Tier, tiers } from '../../../src/core/power/machines.ts'
import {
  beginOutage,
  type Outage,
  type OutageNode,
  withMachines,
  withNodeState,
  withoutDrains,
} from '../../../src/core/power/outage.ts'
import type { PhaseId } from '../../../src/core/phase-id.ts'
import type { Phase, Step } from '../../../src/core/plan.ts'
import { type ShutdownPhase } from '../../../src/core/power/phases.ts'
import { reversiblePhases } from '../../../src/core/power/reversible.ts'
import { planShutdown, type ShutdownPlan, type ShutdownPolicy } from '../../../src/core/power/shutdown.ts'
import { english } from '../../../src/core/wording.ts'
import { createRandom, type Random } from '../random.ts'

export const now = new Date('2026-03-01T02:00:00Z')

export function machineOf(name: string, tier: Tier, stops = 60_000, changed: Partial<Machine> = {}): Machine {
  const kind = tier === 'hosts' || tier === 'nas' ? 'host' : 'node'
  return { name, kind, tier, feed: undefined, stops, hasMac: true, powerOnAfter: undefined, ...changed }
}

export const three = [machineOf('cp-1', 'control-planes'), machineOf('w-1', 'workers'), machineOf('w-2', 'workers')]

/** In no order of theirs. */
export const everyTier = [
  machineOf('nas-1', 'nas', 120_000),
  machineOf('pve-1', 'hosts', 30_000),
  machineOf('cp-1', 'control-planes'),
  machineOf('s-1', 'storage-nodes'),
  machineOf('w-1', 'workers'),
]

/** A record that these machines are in, all of them up. */
export function recordOf(machines: readonly Machine[]): Outage {
  const names = machines.map(({ name }) => name)
  return withMachines(beginOutage(now, 'low-battery'), names, new Set(names))
}

/** Each phase in a line: `drain: drain w-1, drain w-2`. */
export function outline(phases: readonly Phase[]): string[] {
  return phases.map(({ id, steps }) => `${id}: ${steps.map(english.describeStep).join(', ')}`)
}

/** Names of the machines that a phase tells to shut down. */
export function toldIn({ steps }: { readonly steps: readonly Step[] }): string[] {
  return steps.flatMap((step) =>
    step.do === 'shut-down' ? [step.node] : step.do === 'shut-down-host' ? [step.host] : [],
  )
}

export function awaitedIn({ steps }: { readonly steps: readonly Step[] }): string[] {
  return steps.flatMap((step) =>
    step.do === 'await-down' ? [step.node] : step.do === 'await-host-down' ? [step.host] : [],
  )
}

/** What there is to be scaled down and set. */
export const busy: Pick<Outage, 'scaled' | 'storage'> = {
  scaled: [{ kind: 'Deployment', namespace: 'apps', name: 'batch', replicas: 3 }],
  storage: [{ system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' }],
}

/** One look of a run at what is to be done next. */
export interface Turn {
  readonly plan: ShutdownPlan
  readonly next: ShutdownPhase
  readonly left: number
  readonly before: Outage
  readonly after: Outage
  readonly carriedOut: ReadonlySet<PhaseId>
}

export interface Run {
  readonly seed: number
  readonly machines: readonly Machine[]
  readonly policy: ShutdownPolicy
  readonly begun: Outage
  readonly turns: readonly Turn[]
  readonly ended: boolean
}

const states: readonly OutageNode['state'][] = [
  'up',
  'drained',
  'shutdown-sent',
  'unreached',
  'off',
  'abandoned',
  'wake-sent',
  'back',
]

/** The machine that we run on, where a random shutdown has one. */
export const own = 'own'

function randomMachines(random: Random): Machine[] {
  const all = tiers
    .filter((tier) => tier !== 'own-machine')
    .flatMap((tier) =>
      Array.from({ length: random.below(tier === 'nas' ? 2 : 4) }, (_, index) =>
        machineOf(`${tier}-${index}`, tier, random.pick([0, 1, 999, 4_000, 21_000, 60_000, 123_457, 600_000])),
      ),
    )
  const machines = random.chance(0.5) ? all : all.toReversed()
  return random.chance(0.3) ? [machineOf(own, 'own-machine'), ...machines] : machines
}

/** A shutdown as the job carries it out, planned anew before each phase, with whatever may go wrong on the way. */
export function randomRun(seed: number): Run {
  const random = createRandom(seed)
  const machines = randomMachines(random)
  const policy = { drainTimeout: random.pick([0, 2_000, 90_000, 300_001]), reserve: random.pick([0, 10_000, 60_000]) }
  const begun = machines.reduce<Outage>(
    (outage, { name }) => {
      const state = random.chance(0.3) ? random.pick(states) : 'up'
      return { ...outage, nodes: { ...outage.nodes, [name]: { wasUp: true, state } } }
    },
    {
      ...recordOf(machines),
      ...(random.chance(0.5) ? busy : {}),
      stage: random.pick(['draining', 'stopping', 'stopped']),
    },
  )
  let outage = begun
  let left = random.chance(0.1) ? Infinity : random.below(random.pick([20_000, 200_000, 2_000_000])) + 0.25
  const carriedOut = new Set<PhaseId>()
  const turns: Turn[] = []
  while (turns.length < 40) {
    const plan = planShutdown({ machines, outage, left: { ms: left, told: true }, now, carriedOut }, policy)
    const [next] = plan.phases
    if (!next) return { seed, machines, policy, begun, turns, ended: true }
    const before = outage
    const isNoted = toldIn(next).length > 0 || random.chance(0.9)
    if (!next.reversible) outage = withoutDrains(outage, machines)
    for (const step of next.steps) outage = isNoted ? noted(outage, step, random.chance(0.8)) : outage
    turns.push({ plan, next, left, before, after: outage, carriedOut: new Set(carriedOut) })
    carriedOut.add(next.id)
    if (next.id === 'cordon' && random.chance(0.2)) for (const id of reversiblePhases) carriedOut.add(id)
    left = Math.max(0, left - random.pick([0, 300, random.below(next.within + 1), next.within, next.within + 20_000]))
  }
  return { seed, machines, policy, begun, turns, ended: false }
}

/** The record when a step is over, as the job keeps it. */
function noted(outage: Outage, step: Step, isDone: boolean): Outage {
  if (step.do === 'drain') return withNodeState(outage, step.node, 'drained')
  const [told] = toldIn({ steps: [step] })
  if (told !== undefined) {
    const sent = withNodeState(outage, told, 'shutdown-sent')
    return isDone ? sent : withNodeState(sent, told, 'unreached')
  }
  const [awaited] = awaitedIn({ steps: [step] })
  if (awaited === undefined) return outage
  const silent = outage.nodes[awaited]?.state === 'unreached' ? 'unreached' : 'off'
  return withNodeState(outage, awaited, isDone ? silent : 'abandoned')
}

/** How a cluster is woken, where a case does not say otherwise. */
export const wakePolicy = {
  stableAfter: 60_000,
  minimumCharge: 25,
  retryInterval: 30_000,
  giveUpAfter: 900_000,
  storageTimeout: 1_800_000,
}
