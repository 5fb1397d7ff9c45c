import { describe, expect, test, vi } from 'vitest'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Outage, OutageNode } from '../../src/core/power/outage.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import { beginOrResume, comesUp } from '../../src/operations/begin-outage.ts'
import { type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { agentAt, cp1, earlier, heard, type Homelab, nas, outage, pve, told, w1, w2 } from './begun.ts'

/** Resumes an outage, and looks. */
async function resumes(homelab: Homelab & { readonly open: Outage }) {
  const agent = agentAt(homelab)
  agent.see()
  using begun = await beginOrResume(agent.context, 'low-runtime', homelab.machines)
  const first = begun.record.current
  await begun.looked
  return { ...agent, first, after: begun.record.current, requestedBefore: [...begun.requestedBefore] }
}

const silent = { talos: 'silent', kubernetes: 'silent' } as const
const goingDown = { talos: { stage: 'shutting down' } } as const

describe('an outage that is resumed', () => {
  test('what it knows is looked at before anything else is done', async () => {
    const { context, see, journal } = agentAt({
      machines: [w1],
      open: outage({ 'w-1': 'off' }, { stage: 'stopped' }),
      nodes: [worker('w-1')],
    })
    let isBegun = false
    const begun = beginOrResume(context, 'low-battery', [w1]).then((one) => {
      isBegun = true
      return one
    })
    await new Promise(setImmediate)
    expect(isBegun).toBe(false)
    see()
    ;(await begun)[Symbol.dispose]()
    expect(told(journal.openOutage()!)).toEqual({ 'w-1': 'drained' })
  })

  test.each<{ was: OutageNode['state']; node: NodeChoices; is: OutageNode['state'] }>([
    { was: 'up', node: {}, is: 'up' },
    { was: 'back', node: {}, is: 'up' },
    { was: 'drained', node: {}, is: 'drained' },
    { was: 'shutdown-sent', node: {}, is: 'drained' },
    { was: 'off', node: {}, is: 'drained' },
    { was: 'unreached', node: {}, is: 'drained' },
    { was: 'abandoned', node: {}, is: 'drained' },
    { was: 'wake-sent', node: {}, is: 'drained' },
    { was: 'up', node: goingDown, is: 'shutdown-sent' },
    { was: 'off', node: goingDown, is: 'shutdown-sent' },
    { was: 'abandoned', node: goingDown, is: 'abandoned' },
    { was: 'up', node: silent, is: 'up' },
    { was: 'off', node: silent, is: 'off' },
    { was: 'wake-sent', node: silent, is: 'wake-sent' },
  ])('a node that was $was is $is after a look', async ({ was, node, is }) => {
    const open = outage({ 'w-1': was }, { stage: 'stopping' })
    const { after } = await resumes({ machines: [w1], open, nodes: [worker('w-1', node)] })
    expect(told(after)).toEqual({ 'w-1': is })
  })

  test('one that was down before and answers now is woken afterwards, too', async () => {
    const open = outage({ 'w-1': { state: 'up', wasUp: false } })
    const { after } = await resumes({ machines: [w1], open, nodes: [worker('w-1')] })
    expect(told(after)).toEqual({ 'w-1': 'up' })
  })

  test('what is new to it is added, and what it knows keeps what is known', async () => {
    const open = outage({ 'w-1': { state: 'off', wasHealthy: false }, gone: 'off' }, { stage: 'stopping' })
    const nodes = [worker('w-1', silent), worker('w-2')]
    const { after } = await resumes({ machines: [w1, w2], open, nodes })
    expect(told(after)).toEqual({ 'w-1': 'off, was ill', gone: 'off', 'w-2': 'up' })
    expect(after.nodes['w-2']!.wasHealthy).toBe(true)
    expect(after.startedAt).toBe(earlier)
  })

  test('every machine that it knows is judged by itself, and keeps what else is known of it', async () => {
    const open = outage(
      { 'w-1': { state: 'off', wasHealthy: false }, 'w-2': 'off', 'cp-1': 'off', pve: 'off' },
      { stage: 'stopping', bootId: 'boot-1' },
    )
    // Nothing was seen of cp-1, and pve is asked by itself.
    const nodes = [worker('w-1'), worker('w-2')]
    const { after } = await resumes({ machines: [w1, w2, cp1, pve], open, nodes, hostsUp: ['pve'] })
    expect(told(after)).toEqual({ 'w-1': 'drained, was ill', 'w-2': 'drained', 'cp-1': 'off', pve: 'drained' })
    // Where our own machine does not tell its boot, the earlier one stands.
    expect(after.bootId).toBe('boot-1')
  })

  test('a host that hangs holds nothing up for longer than a node', async () => {
    const { context, looks, see } = agentAt({ machines: [nas, w1], open: outage({ nas: 'off', 'w-1': 'off' }) })
    see()
    using timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new Error('too late')))
    const hosts = {
      answers: async (_: string, signal: AbortSignal) => {
        signal.throwIfAborted()
        return true
      },
    }
    const hanging = { ...context, ports: { ...context.ports, hosts: { ...context.ports.hosts, ...hosts } } }
    using begun = await beginOrResume(hanging, 'low-battery', [nas, w1])
    expect(told(begun.record.current)).toEqual({ nas: 'off', 'w-1': 'off' })
    // What scales has ten seconds.
    expect([timeout.mock.calls.flat(), looks]).toEqual([[10_000, 1_500], [1_500]])
  })

  test('a question to a host ends with the agent', async () => {
    const { context, stop } = agentAt({ machines: [nas] })
    const asked: AbortSignal[] = []
    const answers = async (_: string, signal: AbortSignal) => {
      asked.push(signal)
      return false
    }
    const asking = { ...context, ports: { ...context.ports, hosts: { ...context.ports.hosts, answers } } }
    using begun = await beginOrResume(asking, 'low-battery', [nas])
    await begun.looked
    stop()
    expect(asked.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('only UPSes that are critical are named', async () => {
    const power = powerOf({ rack: 'low-battery', desk: 'on-battery', shed: 'on-mains' })
    const { after } = await resumes({ machines: [w1], open: outage({ 'w-1': 'up' }), power })
    expect(after.upses).toEqual(['rack'])
  })

  test('remembers whom an agent before has told', async () => {
    const open = outage({ 'w-1': 'shutdown-sent', 'w-2': 'off', 'cp-1': 'unreached' }, { stage: 'stopping' })
    const nodes = [worker('w-1', silent)]
    expect((await resumes({ machines: [w1, w2, cp1], open, nodes })).requestedBefore).toEqual(['w-1'])
  })

  test.each<{ name: string; open: Partial<Outage>; is: Partial<Outage> }>([
    { name: 'shed load becomes a shutdown', open: { stage: 'shedding' }, is: { stage: 'draining' } },
    { name: 'a recovery becomes a shutdown', open: { stage: 'waking' }, is: { stage: 'stopping' } },
    { name: 'a shutdown goes on', open: { stage: 'stopping' }, is: { stage: 'stopping' } },
    { name: 'one that is over for us stays so', open: { stage: 'stopped' }, is: { stage: 'stopped' } },
    {
      name: 'its reason is that of the shutdown and not of the shed load',
      open: { reason: 'on-battery' },
      is: { reason: 'low-runtime' },
    },
    { name: 'nor of the rehearsal', open: { reason: 'drill' }, is: { reason: 'low-runtime' } },
    {
      name: 'the first reason of a shutdown stays',
      open: { reason: 'forced-shutdown' },
      is: { reason: 'forced-shutdown' },
    },
    { name: 'every UPS that failed is named', open: { upses: ['desk'] }, is: { upses: ['desk', 'rack'] } },
    { name: 'and once', open: { upses: ['rack'] }, is: { upses: ['rack'] } },
    { name: 'the boot is ours', open: { bootId: 'boot-1' }, is: { bootId: 'boot-2' } },
  ])('$name', async ({ open, is }) => {
    const { after } = await resumes({ machines: [w1], open: outage({ 'w-1': 'off' }, open), bootId: 'boot-2' })
    expect(after).toMatchObject(is)
  })

  const ends = { loggedOut: true, cut: { rack: earlier }, stoppedAt: earlier, wokenAt: earlier } as const
  test.each<{ state: OutageNode['state']; isSecond: boolean }>([
    { state: 'back', isSecond: true },
    { state: 'wake-sent', isSecond: true },
    { state: 'off', isSecond: false },
    { state: 'shutdown-sent', isSecond: false },
    { state: 'up', isSecond: false },
  ])('with a machine that is $state it is a second cut: $isSecond', async ({ state, isSecond }) => {
    const open = outage({ 'w-1': state, 'w-2': 'off' }, { stage: 'waking', ...ends })
    const { loggedOut, cut, stoppedAt, wokenAt } = (await resumes({ machines: [w1, w2], open })).first
    const kept = isSecond ? { loggedOut: undefined, cut: undefined, stoppedAt: undefined, wokenAt: undefined } : ends
    expect({ loggedOut, cut, stoppedAt, wokenAt }).toEqual(kept)
  })
})

describe('a machine that answers although it was shut down', () => {
  test('is none that the outage does not know', async () => {
    const { context, see } = agentAt({ machines: [w1], nodes: [worker('w-1')] })
    see()
    expect(await comesUp(context, outage({}), [w1])).toEqual([])
  })

  test.each<{ state: OutageNode['state']; node: NodeChoices; is: boolean }>([
    { state: 'off', node: {}, is: true },
    { state: 'unreached', node: {}, is: true },
    { state: 'abandoned', node: {}, is: true },
    { state: 'shutdown-sent', node: {}, is: true },
    { state: 'up', node: {}, is: false },
    { state: 'back', node: {}, is: false },
    { state: 'off', node: silent, is: false },
    { state: 'off', node: goingDown, is: false },
  ])('$state and seen as $node: it has come up: $is', async ({ state, node, is }) => {
    const open = outage({ 'w-1': state }, { stage: 'stopped' })
    const { context, see } = agentAt({ machines: [w1], nodes: [worker('w-1', node)] })
    see()
    expect(await comesUp(context, open, [w1])).toEqual(is ? ['w-1'] : [])
  })

  test.each<{ state: OutageNode['state']; is: boolean }>([
    { state: 'off', is: true },
    { state: 'unreached', is: true },
    // A host says nothing of its way down.
    { state: 'shutdown-sent', is: false },
    { state: 'abandoned', is: false },
  ])('of a host that is $state: $is', async ({ state, is }) => {
    const { context, see } = agentAt({ machines: [nas], hostsUp: ['nas'] })
    see()
    expect(await comesUp(context, outage({ nas: state }, { stage: 'stopped' }), [nas])).toEqual(is ? ['nas'] : [])
  })

  const unpowered = { ...w2, feed: undefined }
  const ordered: Power = { ...heard(60_000), ordered: earlier }
  test.each<{ name: string; power: Power; state?: OutageNode['state']; stage?: Outage['stage']; isSpared: boolean }>([
    { name: 'the UPS is heard', power: heard(0), isSpared: false },
    { name: 'the UPS is silent for less than its dead time', power: heard(15_000), isSpared: false },
    { name: 'the UPS is silent', power: heard(15_001), isSpared: true },
    { name: 'the UPS is silent and it hung', power: heard(60_000), state: 'abandoned', isSpared: true },
    { name: 'the UPS is silent and it did not hear us', power: heard(60_000), state: 'unreached', isSpared: true },
    { name: 'the UPS is silent and it goes down', power: heard(60_000), state: 'shutdown-sent', isSpared: false },
    { name: 'the UPS is silent and others go down', power: heard(60_000), stage: 'stopping', isSpared: false },
    { name: 'a person has ordered it', power: ordered, isSpared: false },
  ])('it is left alone where $name: $isSpared', async ({ power, state = 'off', stage = 'stopped', isSpared }) => {
    const open = outage({ 'w-1': state }, { stage })
    const homelab = { machines: [w1], nodes: [worker('w-1')], power }
    const spared = 'outage.spared: w-1 answers while the UPS is silent, and is left alone: mains power may be back'
    const { context, see, lines } = agentAt(homelab)
    see()
    expect(await comesUp(context, open, [w1])).toEqual(isSpared ? [] : ['w-1'])
    expect(lines()).toEqual(isSpared ? [spared] : [])
    // The same where an agent takes over.
    const resumed = await resumes({ ...homelab, open })
    expect(told(resumed.after)).toEqual({ 'w-1': isSpared ? state : 'drained' })
    expect(resumed.lines()).toEqual(isSpared ? [spared] : [])
  })

  test('it is left alone where one UPS is silent and the other one does not fail', async () => {
    const feed = { powerValue: { rack: 1, desk: 1 }, minSupplies: 2 }
    const both = { ...w1, feed }
    const open = outage({ 'w-1': 'off' }, { stage: 'stopped' })
    const rack = heard(60_000).upses.get('rack')!
    const comes = async (desk: PowerState) => {
      const { context, see } = agentAt({ machines: [both], nodes: [worker('w-1')], power: powerOf({ rack, desk }) })
      see()
      return comesUp(context, open, [both])
    }
    expect(await comes(stateOf('on-mains', {}, 90_000, 100_000))).toEqual([])
    expect(await comes(stateOf('low-battery', {}, 90_000, 100_000))).toEqual(['w-1'])
  })

  test('it is left alone where its UPS is not configured any more', async () => {
    const open = outage({ 'w-1': 'off' }, { stage: 'stopped' })
    const renamed = { ...w1, feed: { powerValue: { gone: 1 }, minSupplies: 1 } }
    const { context, see } = agentAt({ machines: [renamed], nodes: [worker('w-1')] })
    see()
    expect(await comesUp(context, open, [renamed])).toEqual([])
  })

  test('it is left alone where no UPS feeds it, and that is said until it is silent', async () => {
    const open = outage({ 'w-2': 'off' }, { stage: 'stopped' })
    const agent = agentAt({ machines: [unpowered], nodes: [worker('w-2')] })
    agent.see()
    expect(await comesUp(agent.context, open, [unpowered])).toEqual([])
    expect(agent.lines()).toHaveLength(1)
    expect(await comesUp(agent.context, outage({ 'w-2': 'up' }), [unpowered])).toEqual([])
    expect(agent.lines()).toEqual([])
  })
})
