import { describe, expect, test } from 'vitest'
import type { StepState } from '../../src/core/plan.ts'
import { reversible } from '../../src/core/power/phases.ts'
import { reversiblePhases } from '../../src/core/power/reversible.ts'
import {
  attempt,
  began,
  cordon,
  done,
  drain,
  failed,
  request,
  stated,
  type Tried,
  wait,
  well,
  within,
} from './phases.ts'

describe('a phase', () => {
  test('that has run is not carried out again', async () => {
    expect((await attempt({ phase: request, runs: well(request) })).ended).toEqual(['shut-down-workers'])
  })

  test.each([reversible('drain', [drain('w-1')], within), wait])(
    'of steps like $steps.0.do is stopped by nothing while the power stays as it is',
    async (phase) => {
      const { ended, isStopped } = await attempt({ phase, runs: well(phase) })
      expect({ ended, isStopped }).toEqual({ ended: [phase.id], isStopped: false })
    },
  )

  test('that the battery has no time for is not over where the agent stops too', async () => {
    const { ended, isStopped } = await attempt({
      phase: wait,
      runs: ({ change, stop }) => {
        change('tight')
        stop()
      },
    })
    expect({ ended, isStopped }).toEqual({ ended: 'the agent stops', isStopped: true })
  })

  test('for which the battery has no time is over, and who was waited for is given up', async () => {
    const { ended, states, isStopped } = await attempt({
      phase: wait,
      begun: stated({ 'w-1': 'shutdown-sent', 'w-2': 'shutdown-sent' }),
      runs: ({ step, change }) => {
        for (const one of wait.steps) step(one, began)
        step(wait.steps[0]!, done)
        change('tight')
        step(wait.steps[1]!, failed)
      },
    })
    expect(isStopped).toBe(true)
    expect(ended).toEqual(['await-workers'])
    expect(states).toMatchObject({ 'w-1': 'off', 'w-2': 'abandoned' })
  })

  test('that is not wanted any more is not over, and what it breaks off is not noted', async () => {
    const drains = reversible('drain', [drain('w-1'), drain('w-2')], within)
    const { ended, states, isStopped } = await attempt({
      phase: drains,
      runs: ({ step, change }) => {
        step(drains.steps[0]!, began)
        step(drains.steps[0]!, done)
        change('over')
        step(drains.steps[1]!, failed)
      },
    })
    expect(isStopped).toBe(true)
    expect(ended).toEqual([])
    expect(states).toMatchObject({ 'w-1': 'drained', 'w-2': 'up' })
  })

  test('that no power change may stop goes on to its end', async () => {
    const { ended, states, isStopped } = await attempt({
      phase: request,
      runs: (running) => {
        running.step(request.steps[0]!, began)
        running.change('over')
        running.change('tight')
        running.step(request.steps[0]!, done)
        running.step(request.steps[1]!, failed)
      },
    })
    expect(isStopped).toBe(false)
    expect(ended).toEqual(['shut-down-workers'])
    expect(states).toMatchObject({ 'w-1': 'shutdown-sent', 'w-2': 'unreached' })
  })

  test('that fails for another reason fails the run', async () => {
    const runs = () => {
      throw new Error('the disk is full')
    }
    expect((await attempt({ phase: request, runs })).ended).toBe('the disk is full')
  })
})

describe('after a cordon', () => {
  const cordons = reversible('cordon', [cordon('w-1'), cordon('w-2')], within)
  const ending =
    (...ends: readonly StepState[]): Tried['runs'] =>
    ({ step }) => {
      for (const [index, one] of cordons.steps.entries()) {
        step(one, began)
        step(one, ends[index]!)
      }
    }

  test('of one node at least the drain follows', async () => {
    const { ended, alerts } = await attempt({ phase: cordons, runs: ending(failed, done) })
    expect(ended).toEqual(['cordon'])
    expect(alerts).toEqual([])
  })

  test('of no node nothing is asked of Kubernetes any more, and people are told', async () => {
    const { ended, alerts } = await attempt({ phase: cordons, runs: ending(failed, failed) })
    expect(ended).toEqual(reversiblePhases)
    expect(alerts).toMatchObject([{ id: 'outage.api', severity: 'warning', subject: 'kubernetes' }])
  })
})
