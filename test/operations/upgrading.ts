import type { AlertId } from '../../src/core/alert-kinds.ts'
import upgradeNode from '../../jobs/upgrade-node.ts'
import { type Config, parseConfig } from '../../src/config/config.ts'
import type { Cluster, Node, StorageWarning } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Event } from '../../src/core/event.ts'
import type { Journal } from '../../src/core/journal.ts'
import type { CarryOutChoices, Phase, Plan, Step, StepState } from '../../src/core/plan.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import { english } from '../../src/core/wording.ts'
import { abortRelease } from '../../src/operations/aborts.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { believedClock } from '../../src/operations/timekeeper.ts'
import { clusterOf, schematic } from '../core/cluster/nodes.ts'
import { outline } from '../core/power/shutdowns.ts'
import { stateOf } from '../core/power/states.ts'
import { calm } from '../core/upgrade/rollout.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'
import { plainUki } from '../fakes/share.ts'

/** A homelab with v1.13.8 on every node and v1.13.9 to go to; what is chosen is different. */

export interface Situation {
  readonly power?: PowerState
  readonly upgrade?: object
  readonly outage?: Outage
  readonly paused?: string
  readonly aborted?: string
  readonly staged?: boolean
  readonly accept?: readonly object[]
  readonly unwell?: readonly StorageWarning[]
  /** Storage systems that there are. */
  readonly systems?: readonly string[]
  /** What else is remembered. */
  readonly remembers?: (journal: Journal) => void
}

export const onMains = stateOf('on-mains', {}, 0)
export const onBattery = stateOf('on-battery', {}, 0)
export const origin = { by: 'admin@nas (unverified)', at: '2026-03-06T20:00:00Z' }
const homelab = { customization: { systemExtensions: { officialExtensions: ['siderolabs/i915'] } } }

function configWith(nodes: readonly Node[], upgrade: object, accept: readonly object[]): Config {
  const text = {
    cluster: { talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
    nodes: nodes.map(({ name, role }, index) => ({ name, role, address: `10.0.0.${index + 1}` })),
    schematic: 'homelab',
    share: { directory: 'share' },
    upgrade: { soak: '0s', ...upgrade },
    storage: { accept },
  }
  return parseConfig(JSON.stringify(text), 'test.yaml')
}

/** What the job that upgrades looks at. */
export async function upgradeContext(cluster: Cluster, situation: Situation = {}) {
  const { power = onMains, upgrade = {}, outage, paused, aborted, staged = true, accept = [], unwell = [] } = situation
  const homelabOf = fakeHomelab({ 'cp-1': 'controlplane' }, { schematic })
  homelabOf.storage = { systems: situation.systems ?? ['longhorn'], unwell, lastReplicas: new Map() }
  const { ports } = homelabOf
  remembered.versions.remember(ports.journal, ['v1.13.8', 'v1.13.9'])
  remembered.registrations.remember(ports.journal, { own: { id: schematic, registry: 'factory.test' } })
  remembered.paused.remember(ports.journal, paused)
  if (aborted) abortRelease(ports.journal, aborted, origin)
  if (outage) ports.journal.saveOutage(outage)
  situation.remembers?.(ports.journal)
  if (staged) {
    const order = { version: 'v1.13.9', schematic, ...plainUki }
    await ports.share.stage(order, ports.factory, new AbortController().signal)
  }
  return {
    observe: async () => cluster,
    config: configWith(cluster.nodes, upgrade, accept),
    ports,
    power: { upses: new Map([['ups', power]]), ordered: undefined },
    now: () => calm.now,
    monotonic: () => 0,
    clock: believedClock,
    schematics: new Map([['homelab', { id: 'own', schematic: homelab }]]),
    signal: new AbortController().signal,
    ownNode: undefined,
  }
}

export interface Scene {
  readonly journal: Journal
  reads(state: PowerState): void
  /** The agent stops. */
  stop(): void
}

export interface Course extends Situation {
  readonly nodes: readonly Node[]
  /** What happens when the steps of a phase have begun; by its line, as `drain: drain w-1`. */
  readonly during?: Readonly<Record<string, (scene: Scene) => void | Promise<void>>>
  /** Steps that fail, as they are told to people. */
  readonly fails?: Readonly<Record<string, Error>>
  /** Alerts that are open, by their ids. */
  readonly alerts?: readonly AlertId[]
  /** Files of etcd's snapshots, the newest first. */
  readonly snapshots?: readonly string[]
  /** How often the job runs, one run after the other. */
  readonly times?: number
}

/** The job, run to its end: each phase passes at once, and a test says what happens meanwhile. */
export async function upgrades({ nodes, during = {}, fails = {}, times = 1, ...situation }: Course) {
  const base = await upgradeContext(clusterOf(...nodes), situation)
  const { journal } = base.ports
  const agent = new AbortController()
  const alerts = createAlerts(journal, base.now)
  for (const id of situation.alerts ?? []) alerts.open(id, { severity: 'warning', subject: 'rollout', text: id })
  const snapshots = (situation.snapshots ?? []).map((file) => ({ file }))
  const told: string[] = []
  const events: Event[] = []
  const scene: Scene = {
    journal,
    reads: (state) => void base.power.upses.set('ups', state),
    stop: () => agent.abort(new Error('the agent stops')),
  }
  async function carryOutOne(phase: Phase, { whyNotBegin, onStep, onPhase }: CarryOutChoices): Promise<void> {
    const why = whyNotBegin?.(phase)
    if (why !== undefined) throw new AgentError('not-now', `stopped before ${english.titleOf(phase.id)}: ${why}`)
    const tell = (state: (step: Step) => StepState) => phase.steps.forEach((step) => onStep?.(step, state(step)))
    const failureOf = (step: Step) => fails[english.describeStep(step)]
    const [line] = outline([phase])
    told.push(line!)
    tell(() => ({ kind: 'started' }))
    await during[line!]?.(scene)
    const failure = agent.signal.aborted
      ? (agent.signal.reason as Error)
      : phase.steps.flatMap((step) => failureOf(step) ?? [])[0]
    tell((step) => {
      const error = agent.signal.aborted ? failure : failureOf(step)
      return error ? { kind: 'failed', error } : { kind: 'done' }
    })
    if (failure) throw failure
    onPhase?.(phase.id, 1_000)
  }
  const context = {
    ...base,
    ports: { ...base.ports, snapshots: { list: async () => snapshots } },
    alerts,
    log: silentLog,
    signal: agent.signal,
    wording: english,
    emit: async (event: Event) => void events.push(event),
    carryOut: async (plan: Plan, choices: CarryOutChoices = {}) => {
      for (const phase of plan) await carryOutOne(phase, choices)
    },
  } as unknown as JobContext
  const run = () => upgradeNode.run(context)
  for (let before = 1; before < times; before += 1) await run()
  const ended = run()
  return {
    /** How the last run ended, or why it did not. */
    outcome: await ended.catch((error: unknown) => error),
    /** Each phase in a line, of all runs. */
    told,
    events,
    lines: alerts.all.map(({ id, text }) => `${id}: ${text}`),
    endings: journal.entries(50).flatMap(({ text }) => (text.startsWith('settled: ') ? [text] : [])),
    journal,
    record: journal.rollouts(1)[0],
  }
}
