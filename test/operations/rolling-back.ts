import type { CordonMark, Node } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { beginRollout, type Rollout, type RolloutNode } from '../../src/core/upgrade/record.ts'
import { abortsIn } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { rollBack } from '../../src/operations/rollback-request.ts'
import { clusterOf, controlPlane, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { admin } from '../fakes/person.ts'
import { open, signed } from './requesting.ts'

/** A person asks for a rollback, of nodes that are seen as a test says. */

const at = '2026-05-01T02:40:00.000Z'
/** Of an upgrade from v1.13.8 to v1.13.9 that was begun in this boot. */
const begun: CordonMark = { why: 'upgrade', at, release: 'v1.13.9', from: 'v1.13.8', bootId: 'boot-1' }
export const marked = (mark: Partial<CordonMark>) => ({ unschedulable: true, cordon: { ...begun, ...mark } })

export interface Requested {
  /** What is seen of w-1, which runs v1.13.8; or of cp-1, the only control plane. */
  readonly w1?: NodeChoices
  readonly cp1?: NodeChoices
  /** The whole cluster, in place of both. */
  readonly nodes?: readonly Node[]
  readonly node?: string
  readonly force?: boolean
  /** Newest first. */
  readonly rollouts?: readonly Rollout[]
  readonly rollbacks?: Parameters<typeof remembered.rollbacks.remember>[1]
  readonly isPaused?: true
  /** Whoever asks leaves while the plan is looked at. */
  readonly leaves?: true
}

/** A person asks, and what became of it. */
export async function asks({ w1, cp1, node = 'w-1', force = false, rollouts = [], ...more }: Requested = {}) {
  await using homelab = await open(({ control, homelab: { machine } }) => {
    // Nothing that its upgrade would take away keeps it from going back at once.
    machine('w-1').extensions = []
    return more.isPaused ? control.pause('guests') : undefined
  })
  const { agent, homelab: fake, now } = { ...homelab, now: () => new Date('2026-05-01T03:00:00.000Z') }
  const { journal } = fake.ports
  for (const rollout of rollouts) journal.saveRollout(rollout)
  remembered.rollbacks.remember(journal, more.rollbacks)
  const nodes = more.nodes ?? [controlPlane('cp-1', ['cp-1'], cp1), worker('w-1', w1)]
  const started: string[] = []
  const leave = new AbortController()
  const means = {
    agent: {
      jobs: agent.jobs,
      observe: async () => clusterOf(...nodes),
      start: async ({ name }: { name: string }) => void started.push(name),
      preview: (...given: Parameters<typeof agent.preview>) => {
        if (more.leaves) leave.abort(new Error('they left'))
        return agent.preview(...given)
      },
    },
    ports: {
      ...fake.ports,
      talos: {
        observe: async (name: string) => {
          const talos = nodes.find((one) => one.name === name)!.talos
          if (!talos.ok) throw new AgentError('unreachable', talos.error)
          return talos.value
        },
      },
    },
    config: () => homelab.config,
    now,
  } as unknown as Parameters<typeof rollBack>[0]
  const written = signed(fake).length
  const answer = await rollBack(means, { node, force }, { by: admin, signal: leave.signal }).catch(
    (error: AgentError) => `${error.code}: ${error.message}`,
  )
  return {
    said: typeof answer === 'string' ? answer : answer.said,
    changed: typeof answer !== 'string' && answer.changed,
    requests: remembered.rollbacks.recall(journal) ?? [],
    aborts: abortsIn(journal),
    record: journal.openRollout(),
    newest: journal.rollouts(1)[0],
    started,
    written: signed(fake).length - written,
  }
}

export const rollout = (release: string, one?: Partial<RolloutNode>, ended = true): Rollout => ({
  ...beginRollout(release, new Date(at)),
  ...(ended ? { endedAt: at, outcome: 'done' } : {}),
  nodes: one ? { 'w-1': { role: 'worker', from: 'v1.13.7', startedAt: at, failures: [], phases: {}, ...one } } : {},
})
export const came = rollout('v1.13.8', { outcome: 'upgraded' })
export const wentBack = rollout('v1.13.9', { from: 'v1.13.8', outcome: 'rolled-back' })
