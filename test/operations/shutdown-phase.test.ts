import { describe, expect, test } from 'vitest'
import type { Step, StepState } from '../../src/core/plan.ts'
import type { Outage, OutageNode } from '../../src/core/power/outage.ts'
import { irreversible, reversible, type ShutdownPhase } from '../../src/core/power/phases.ts'
import {
  at,
  attempt,
  awaitDown,
  awaitHostDown,
  began,
  cordon,
  cut,
  done,
  drain,
  failed,
  noout,
  request,
  shutDown,
  shutDownHost,
  stated,
  stateOf,
  type Tried,
  wait,
  within,
} from './phases.ts'

describe('before the first effect of a phase', () => {
  test('the journal knows of all orders in it, by one write', async () => {
    const seen: (readonly Outage[])[] = []
    await attempt({
      phase: request,
      runs: ({ step, saved }) => {
        const before = saved.length
        for (const one of request.steps) {
          step(one, began)
          seen.push(saved.slice(before))
        }
      },
    })
    expect(seen.map((writes) => writes.length)).toEqual([1, 1])
    expect(seen[0]![0]).toMatchObject({
      stage: 'stopping',
      nodes: { 'w-1': { state: 'shutdown-sent', at: { 'shutdown-sent': at } }, 'w-2': { state: 'shutdown-sent' } },
    })
    expect(stateOf(seen[0]![0], 'nas')).not.toBe('shutdown-sent')
  })

  test.each<{ name: string; phase: ShutdownPhase; begun?: Tried['begun']; is: Partial<Outage> }>([
    {
      name: 'an order to a host',
      phase: irreversible('shut-down-nas', [], [shutDownHost('nas')], within),
      is: { stage: 'stopping', nodes: { nas: expect.objectContaining({ state: 'shutdown-sent' }) } },
    },
    {
      name: 'the order to our own machine, after which nothing is left to do',
      phase: irreversible('shut-down-own-machine', [], [shutDown('w-2')], within),
      is: { stage: 'stopped', nodes: { 'w-2': expect.objectContaining({ state: 'shutdown-sent' }) } },
    },
    {
      name: 'outlets that are switched off',
      phase: irreversible('cut-power', ['short-battery'], [cut], within),
      begun: (outage) => ({ ...outage, cut: { desk: at } }),
      is: { stage: 'draining', cut: { desk: at, rack: at } },
    },
    {
      name: 'a storage setting, whose data is waited for again',
      phase: reversible('set-storage-flags', [noout], within),
      begun: (outage) => ({ ...outage, storageGivenUp: true }),
      is: { stage: 'draining', storageGivenUp: undefined },
    },
    {
      name: 'a cordon',
      phase: reversible('cordon', [cordon('w-1')], within),
      is: { stage: 'draining', cut: undefined },
    },
  ])('it knows of $name', async ({ phase, begun, is }) => {
    let known: Outage | undefined
    const runs: Tried['runs'] = ({ step, saved }) => {
      step(phase.steps[0]!, began)
      known = saved.at(-1)
    }
    await attempt({ phase, runs, ...(begun ? { begun } : {}) })
    expect({ storageGivenUp: undefined, cut: undefined, ...known }).toMatchObject(is)
  })

  test('no drain goes on once machines go down, and one does until then', async () => {
    const runs = () => {}
    const begun = stated({ nas: 'off' })
    expect((await attempt({ phase: request, runs, begun })).states).toEqual({
      'w-1': 'drained',
      'w-2': 'drained',
      nas: 'off',
    })
    const drains = reversible('drain', [drain('w-1')], within)
    expect((await attempt({ phase: drains, runs, begun })).states).toEqual({ 'w-1': 'up', 'w-2': 'up', nas: 'off' })
  })
})

describe('what becomes of a step is recorded', () => {
  test.each<{
    name: string
    step: Step
    ends: StepState
    begun?: Readonly<Record<string, OutageNode['state']>>
    before?: readonly string[]
    is: Readonly<Record<string, OutageNode['state']>>
  }>([
    { name: 'a drain', step: drain('w-1'), ends: done, is: { 'w-1': 'drained' } },
    { name: 'a drain that has had its time', step: drain('w-1'), ends: failed, is: { 'w-1': 'drained' } },
    { name: 'an order', step: shutDown('w-1'), ends: done, is: { 'w-1': 'shutdown-sent' } },
    { name: 'an order that nobody heard', step: shutDown('w-1'), ends: failed, is: { 'w-1': 'unreached' } },
    { name: 'an order to a host', step: shutDownHost('nas'), ends: done, is: { nas: 'shutdown-sent' } },
    { name: 'an order that no host heard', step: shutDownHost('nas'), ends: failed, is: { nas: 'unreached' } },
    {
      name: 'an order to one that has heard an earlier one',
      step: shutDown('w-1'),
      ends: failed,
      before: ['w-1'],
      is: { 'w-1': 'shutdown-sent' },
    },
    {
      name: 'an order to another one',
      step: shutDown('w-1'),
      ends: failed,
      before: ['w-2'],
      is: { 'w-1': 'unreached' },
    },
    {
      name: 'a machine that is down',
      step: awaitDown('w-1'),
      ends: done,
      begun: { 'w-1': 'shutdown-sent' },
      is: { 'w-1': 'off' },
    },
    {
      name: 'a machine that did not stop',
      step: awaitDown('w-1'),
      ends: failed,
      begun: { 'w-1': 'shutdown-sent' },
      is: { 'w-1': 'abandoned' },
    },
    {
      name: 'a host that is down',
      step: awaitHostDown('nas'),
      ends: done,
      begun: { nas: 'shutdown-sent' },
      is: { nas: 'off' },
    },
    {
      name: 'a host that did not stop',
      step: awaitHostDown('nas'),
      ends: failed,
      begun: { nas: 'shutdown-sent' },
      is: { nas: 'abandoned' },
    },
    {
      name: 'the silence of one that was never reached',
      step: awaitDown('w-1'),
      ends: done,
      begun: { 'w-1': 'unreached' },
      is: { 'w-1': 'unreached' },
    },
    {
      name: 'the answer of one that was never reached',
      step: awaitDown('w-1'),
      ends: failed,
      begun: { 'w-1': 'unreached' },
      is: { 'w-1': 'unreached' },
    },
  ])('$name', async ({ step: one, ends, begun = {}, before = [], is }) => {
    const phase = irreversible('shut-down-workers', [], [one], within)
    const { states } = await attempt({
      phase,
      begun: stated(begun),
      requestedBefore: before,
      runs: ({ step }) => {
        step(one, began)
        step(one, ends)
      },
    })
    expect(states).toEqual({ 'w-1': 'drained', 'w-2': 'drained', nas: 'drained', ...begun, ...is })
  })

  test('who accepts the order was up, though a look has missed it, and who does not hear it is not', async () => {
    const { outage } = await attempt({
      phase: request,
      wasUp: [],
      runs: ({ step }) => {
        for (const one of request.steps) step(one, began)
        step(request.steps[0]!, done)
        step(request.steps[1]!, failed)
      },
    })
    expect(outage.nodes).toMatchObject({ 'w-1': { wasUp: true }, 'w-2': { wasUp: false } })
  })

  test('but not where the agent stops: whoever comes next looks for itself', async () => {
    const { ended, states } = await attempt({
      phase: wait,
      begun: stated({ 'w-1': 'shutdown-sent' }),
      runs: ({ step, stop }) => {
        step(wait.steps[0]!, began)
        stop()
        step(wait.steps[0]!, failed)
      },
    })
    expect(ended).toBe('the agent stops')
    expect(states).toMatchObject({ 'w-1': 'shutdown-sent' })
  })
})
