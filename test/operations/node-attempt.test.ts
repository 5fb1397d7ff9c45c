import { describe, expect, test } from 'vitest'
import type { Node } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Plan, Step } from '../../src/core/plan.ts'
import type { Intent, NodePlan } from '../../src/core/upgrade/decision.ts'
import { upgradePlan } from '../../src/core/upgrade/plan.ts'
import type { UpgradePreview } from '../../src/core/upgrade/preview.ts'
import { beginRollout, withNodeStarted } from '../../src/core/upgrade/record.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { beginAttempt } from '../../src/operations/node-attempt.ts'
import { clusterOf, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { calm, policy, target } from '../core/upgrade/rollout.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'

const now = calm.now
/** Stands first in the cluster, and nothing is done to it. */
const bystander = worker('w-0', {
  talos: { version: 'v1.13.6' },
  kubernetes: { attempts: { release: 'v1.13.9', count: 7, failure: 'of another node' } },
})
const minute = 60_000

interface Scene {
  readonly intent?: Intent
  readonly node?: NodeChoices
  /** What is seen of the node when it has failed. */
  readonly after?: NodeChoices
  readonly whenBlocked?: 'wait' | 'skip'
  readonly powercycled?: boolean
  /** Nodes that are left for later already. */
  readonly blocked?: Readonly<Record<string, { readonly until: number; readonly why: string }>>
  readonly count?: number
  /** The node's attempt is on record already. */
  readonly begun?: boolean
  /** The release of the rollout that is on record. */
  readonly release?: string
}

function attemptAt(scene: Scene = {}) {
  const { intent = 'upgrade', node = {}, after = node, whenBlocked = 'wait', release = 'v1.13.9' } = scene
  const journal = memoryJournal(() => now)
  const rollout = beginRollout(release, now)
  const first = { name: 'w-1', role: 'worker', from: 'v1.13.8' } as const
  journal.saveRollout(scene.begun ? withNodeStarted(rollout, first, now) : rollout)
  remembered.rollbacks.remember(journal, [{ node: 'w-1', bootId: 'boot-1', force: false }])
  if (scene.blocked) remembered.blocked.remember(journal, scene.blocked)
  const alerts = createAlerts(journal, () => now)
  const found: Node = worker('w-1', node)
  const noted: Step[] = []
  const events: string[] = []
  const context = {
    config: { upgrade: { draining: { whenBlocked, blockedTimeout: 30 * minute } } },
    ports: { journal },
    alerts,
    log: silentLog,
    now: () => now,
    emit: async ({ type }: { type: string }) => void events.push(type),
    observe: async () => clusterOf(bystander, worker('w-1', after)),
    carryOut: async (plan: Plan) => void noted.push(...plan.flatMap(({ steps }) => steps)),
  } as unknown as JobContext
  const at = { count: scene.count ?? 1, ...(scene.powercycled ? { powercycled: true } : {}) }
  const plan = intent === 'upgrade' ? upgradePlan(found, at, { target, policy, now }) : []
  const one: NodePlan = { node: 'w-1', intent, reason: '', plan }
  const preview = { cluster: clusterOf(bystander, found), version: 'v1.13.9' } as unknown as UpgradePreview
  const attempt = beginAttempt(context, preview, one)
  return {
    attempt,
    noted,
    events,
    record: () => journal.rollouts(1)[0]?.nodes['w-1'],
    lines: () => alerts.all.map(({ id, text }) => `${id}: ${text}`),
    records: () => Object.fromEntries(journal.rollouts(9).map((one) => [one.release, one.nodes['w-1']?.outcome])),
    endings: () => journal.entries(9).flatMap(({ text }) => (text.startsWith('settled: ') ? [text] : [])),
    blocked: () => remembered.blocked.recall(journal),
    rollbacks: () => remembered.rollbacks.recall(journal)?.length ?? 0,
  }
}

const broken = new AgentError('rejected', 'no space left')
const passing = new AgentError('unreachable', 'timed out')
const noteOf = (attempts: object) => [{ do: 'note-failure', node: 'w-1', attempts }]

describe('an attempt that fails', () => {
  test('is noted on the node and on record, and people are told', async () => {
    const { attempt, noted, record, lines } = attemptAt()
    expect(record()).toMatchObject({ from: 'v1.13.8', role: 'worker' })
    attempt.phaseEnded('drain', 7_000)
    await attempt.failed(broken, 'install')
    expect(noted).toEqual(noteOf({ release: 'v1.13.9', count: 1, failure: 'no space left' }))
    expect(record()).toMatchObject({ outcome: 'failed', failures: ['no space left'], phases: { drain: 7_000 } })
    expect(lines()).toEqual(['rollout.failed: the upgrade of w-1 failed: no space left'])
  })

  test.each<{ name: string; scene: Scene; attempts: object }>([
    { name: 'its own count', scene: { count: 2 }, attempts: { count: 2 } },
    { name: 'that it went through the firmware', scene: { powercycled: true }, attempts: { powercycled: true } },
    {
      name: 'that it booted its previous release',
      scene: {
        after: {
          talos: { bootId: 'boot-2' },
          kubernetes: {
            unschedulable: true,
            cordon: { why: 'upgrade', at: now.toISOString(), release: 'v1.13.9', bootId: 'boot-1', rebooting: true },
          },
        },
      },
      attempts: { rolledBack: true },
    },
    {
      name: 'one more than the node remembers, where a plan without a cordon failed',
      scene: { intent: 'resume', node: { kubernetes: { attempts: { release: 'v1.13.9', count: 1, failure: 'x' } } } },
      attempts: { count: 2 },
    },
    {
      name: 'the one that is under way, as the node remembers',
      scene: {
        intent: 'resume',
        node: { kubernetes: { attempts: { release: 'v1.13.9', count: 3, powercycled: true } } },
      },
      attempts: { count: 3, powercycled: true },
    },
    {
      name: 'the first of this release, where the node remembers another one',
      scene: { intent: 'resume', node: { kubernetes: { attempts: { release: 'v1.13.7', count: 3, failure: 'x' } } } },
      attempts: { count: 1 },
    },
  ])('remembers $name', async ({ scene, attempts }) => {
    const { attempt, noted } = attemptAt(scene)
    await attempt.failed(broken, 'await-upgraded')
    expect(noted).toEqual(noteOf({ release: 'v1.13.9', count: 1, failure: 'no space left', ...attempts }))
  })

  test.each<{ name: string; error: AgentError; at: Step['do'] }>([
    { name: 'by what passes by itself', error: passing, at: 'install' },
    { name: 'before the node was cordoned', error: broken, at: 'cordon' },
  ])('$name is no fault of the release, and is told all the same', async ({ error, at }) => {
    const { attempt, noted, record, lines } = attemptAt()
    await attempt.failed(error, at)
    expect(noted).toEqual([])
    expect(record()).not.toHaveProperty('outcome')
    expect(lines()).toHaveLength(1)
  })

  test('in its drain leaves the node for later, where that is the policy', async () => {
    const skips = attemptAt({ whenBlocked: 'skip' })
    await skips.attempt.failed(passing, 'drain')
    expect(skips.blocked()).toEqual({ 'w-1': { until: now.getTime() + 30 * minute, why: 'timed out' } })
    const elsewhere = attemptAt({ whenBlocked: 'skip' })
    await elsewhere.attempt.failed(passing, 'install')
    expect(elsewhere.blocked()).toBeUndefined()
    const second = attemptAt({
      whenBlocked: 'skip',
      blocked: { 'w-5': { until: now.getTime() + minute, why: 'as well' } },
    })
    await second.attempt.failed(passing, 'drain')
    expect(Object.keys(second.blocked() ?? {})).toEqual(['w-5', 'w-1'])
    const waits = attemptAt()
    await waits.attempt.failed(passing, 'drain')
    expect(waits.blocked()).toBeUndefined()
  })
})

describe('a rollback that fails', () => {
  test.each<{ name: string; error: AgentError; at: Step['do']; left: number }>([
    { name: 'is asked for no more, once the node has refused it', error: broken, at: 'roll-back', left: 0 },
    { name: 'is still asked for, where that passes', error: passing, at: 'roll-back', left: 1 },
    { name: 'is still asked for, where it did not come that far', error: broken, at: 'drain', left: 1 },
  ])('$name; it counts for no failure of a release', async ({ error, at, left }) => {
    const { attempt, noted, rollbacks, lines } = attemptAt({ intent: 'rollback' })
    await attempt.failed(error, at)
    expect(rollbacks()).toBe(left)
    expect(noted).toEqual([])
    expect(lines()).toEqual([`rollout.failed: the rollback of w-1 failed: ${error.message}`])
  })
})

describe('an attempt that ends', () => {
  const begun = { intent: 'upgrade' } as const
  test('well is on record, and others hear of it', async () => {
    const { attempt, record, events, lines } = attemptAt(begun)
    await attempt.failed(passing, 'drain')
    await attempt.ended()
    expect(record()).toMatchObject({ outcome: 'upgraded' })
    expect(events).toEqual(['node.upgraded'])
    expect(lines()).toEqual([])
  })

  test.each<{ intent: Intent; outcome: string; ended: RegExp }>([
    { intent: 'upgrade', outcome: 'upgraded', ended: /; w-1 runs v1\.13\.9$/ },
    { intent: 'rollback', outcome: 'rolled-back', ended: /; w-1 is rolled back$/ },
    { intent: 'release', outcome: 'released', ended: /failed: timed out$/ },
    { intent: 'give-up', outcome: 'failed', ended: /failed: timed out$/ },
  ])('to $intent is on record as $outcome, and ends what was told of it', async ({ intent, outcome, ended }) => {
    const before = attemptAt({ intent, begun: true })
    await before.attempt.failed(passing, 'await-upgraded')
    await before.attempt.ended()
    expect(before.record()).toMatchObject({ outcome })
    expect(before.endings()).toEqual([expect.stringMatching(ended)])
    expect(before.events).toEqual(outcome === 'upgraded' ? ['node.upgraded'] : [])
  })

  test('as a rollback belongs to the rollout that brought the node forward, whatever is on its way now', async () => {
    const { attempt, records } = attemptAt({ intent: 'rollback', begun: true, release: 'v1.13.7' })
    await attempt.ended()
    expect(records()).toEqual({ 'v1.13.7': 'rolled-back' })
  })

  test('after a reboot that was resumed begins no attempt of its own', () => {
    expect(attemptAt({ intent: 'resume' }).record()).toBeUndefined()
  })

  test('armed for its window goes on, and nobody hears of an upgrade', async () => {
    const { attempt, events } = attemptAt({ intent: 'stage' })
    await attempt.ended()
    expect(events).toEqual([])
  })

  test('of a rollout that is not on record changes no other', async () => {
    const { attempt, record } = attemptAt({ ...begun, release: 'v1.13.7' })
    await attempt.failed(broken, 'install')
    await attempt.ended()
    expect(record()).toBeUndefined()
  })
})
