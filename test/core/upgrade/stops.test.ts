import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../../src/core/cluster/cluster.ts'
import type { Plan, StopReason } from '../../../src/core/plan.ts'
import { type Intent, isForward, outcomeOf } from '../../../src/core/upgrade/decision.ts'
import type { NodeOutcome } from '../../../src/core/upgrade/record.ts'
import { finishPlan, stagePlan, upgradePlan } from '../../../src/core/upgrade/plan.ts'
import { pullPlan, snapshotPlan } from '../../../src/core/upgrade/preparation.ts'
import { failureNote, stagedNote, uncordonPlan } from '../../../src/core/upgrade/release-plan.ts'
import { finishRollbackPlan, rollbackPlan } from '../../../src/core/upgrade/rollback-plan.ts'
import { controlPlane, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

const planning = { target, policy, now: calm.now }
const w1 = worker('w-1')
const leader = controlPlane('cp-1', ['cp-1'])
const older = worker('w-1', { talos: { version: 'v1.12.11' } })
const mark: CordonMark = { why: 'upgrade', at: '2026-03-07T02:00:00Z', release: 'v1.13.9', bootId: 'boot-1' }

const everything = 'failing-power, pause, abort, rollback-request'
const unsafe = 'failing-power, rollback-request'

/** What stops each phase, by its id. */
const stopsOf = (plan: Plan) => plan.map(({ id, stops }) => [id, stops.join(', ')])

describe('what may stop a phase', () => {
  test('before anything is touched: whatever stops a rollout', () => {
    const first = [...pullPlan([w1], target, policy), ...snapshotPlan(leader, target, { snapshotted: false }, policy)]
    expect(stopsOf(first)).toEqual([
      ['pull-images', 'failing-power, pause, abort'],
      ['snapshot-etcd', 'failing-power, pause, abort'],
    ])
  })

  test('of an upgrade: everything until it is installed, a person who wants it back until it reboots, then nothing', () => {
    expect(stopsOf(upgradePlan(leader, { count: 1 }, planning))).toEqual([
      ['cordon', everything],
      ['drain', everything],
      ['confirm', unsafe],
      ['install', everything],
      ['forfeit-leadership', unsafe],
      ['confirm', unsafe],
      ['reboot', unsafe],
      ['verify-boot', ''],
      ['verify-etcd', ''],
      ['settle', ''],
      ['uncordon', ''],
    ])
  })

  test('of one that is installed already: no pause and no abort, because it is finished', () => {
    expect(stopsOf(upgradePlan(w1, { count: 1, installed: true }, planning))).toEqual([
      ['cordon', unsafe],
      ['drain', unsafe],
      ['confirm', unsafe],
      ['reboot', unsafe],
      ['verify-boot', ''],
      ['settle', ''],
      ['uncordon', ''],
    ])
  })

  test('of one by the older API: everything until its only call', () => {
    const checks = [{ name: 'web', http: { url: 'http://web', status: 200 } }]
    const plan = upgradePlan(older, { count: 1 }, { ...planning, policy: { ...policy, checks } })
    expect(stopsOf(plan)).toEqual([
      ['cordon', everything],
      ['drain', everything],
      ['confirm', unsafe],
      ['install', everything],
      ['verify-boot', ''],
      ['settle', ''],
      ['uncordon', ''],
      ['verify-checks', ''],
    ])
  })

  test('of a node that is installed for its window: everything, but what was installed is noted', () => {
    expect(stopsOf(stagePlan(w1, planning))).toEqual([
      ['annotate', everything],
      ['install', everything],
      ['annotate', ''],
    ])
  })

  test('of what has rebooted: nothing', () => {
    const plans = [
      ...finishPlan(leader, target, mark, policy),
      ...finishRollbackPlan(leader, mark, policy),
      ...uncordonPlan(w1),
    ]
    expect(plans.filter(({ stops }) => stops.length > 0)).toEqual([])
  })

  test('of a rollback: a failing battery alone, whatever was paused or aborted', () => {
    expect(stopsOf(rollbackPlan(leader, { force: false }, planning))).toEqual([
      ['cordon', 'failing-power'],
      ['drain', 'failing-power'],
      ['rollback', 'failing-power'],
      ['verify-boot', ''],
      ['verify-etcd', ''],
      ['uncordon', ''],
    ])
  })

  test('of a note on a node: what makes its plan worth another look', () => {
    const notes = [failureNote(w1, { release: 'v1.13.9', count: 1 }), stagedNote(w1, mark)]
    const expected: readonly StopReason[] = ['failing-power', 'rollback-request']
    expect(notes.map(({ stops }) => stops)).toEqual([expected, expected])
  })
})

test.each<{ intent: Intent; outcome: NodeOutcome | undefined; forward: boolean }>([
  { intent: 'upgrade', outcome: 'upgraded', forward: true },
  { intent: 'stage', outcome: undefined, forward: true },
  { intent: 'resume', outcome: 'upgraded', forward: false },
  { intent: 'rollback', outcome: 'rolled-back', forward: false },
  { intent: 'release', outcome: 'released', forward: false },
  { intent: 'give-up', outcome: 'failed', forward: false },
])('a plan to $intent ends as $outcome', ({ intent, outcome, forward }) => {
  expect(outcomeOf(intent)).toBe(outcome)
  expect(isForward({ intent })).toBe(forward)
})
