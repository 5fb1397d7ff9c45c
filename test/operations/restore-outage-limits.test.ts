import { describe, expect, test, vi } from 'vitest'
import { finishUnrecorded, lookForLeftovers } from '../../src/operations/restore-outage.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { cp1, nas, told, w1, w2 } from './begun.ts'
import { agentAfter, films, finish, mark, off } from './leftovers.ts'

// What a power cut without a record comes to where its questions are answered late, in part, or not at all.

const silent = { talos: 'silent', kubernetes: { ready: false } } as const
const ordered = { ...off, kubernetes: { ...off.kubernetes, cordon: { ...mark.cordon, ordered: true } } } as const
const shed = [{ selector: 'app=films' }]

describe('a question', () => {
  const hanging = (found: Parameters<typeof agentAfter>[0]) => {
    const agent = agentAfter(found)
    const asked: AbortSignal[] = []
    const nodes = (signal: AbortSignal) => {
      asked.push(signal)
      return new Promise<never>((_, reject) => {
        if (signal.aborted) reject(signal.reason as Error)
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    }
    const { ports } = agent.context
    return {
      ...agent,
      asked,
      context: { ...agent.context, ports: { ...ports, kubernetes: { ...ports.kubernetes, nodes } } },
    }
  }

  test('that hangs is given five seconds, as a look at the nodes is', async () => {
    const { context, looks } = hanging({ isLost: true })
    using timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new Error('too late')))
    expect((await lookForLeftovers(context)).kind).toBe('something')
    expect([timeout.mock.calls[0], looks]).toEqual([[5_000], [5_000]])
  })

  test('ends with the agent', async () => {
    const { context, asked, stop } = hanging({})
    const found = lookForLeftovers(context)
    expect(asked.map(({ aborted }) => aborted)).toEqual([false])
    stop()
    expect(asked.map(({ aborted }) => aborted)).toEqual([true])
    expect((await found).kind).toBe('nothing')
  })
})

describe('where Kubernetes does not tell which workloads are scaled down', () => {
  const unknown = { shed, scaled: [films], refused: ['scaledDown'] } as const

  test('it is asked again before anything is forgotten, and people know meanwhile who is off', async () => {
    const { outcome, isLost, lines, open } = await finish({ ...unknown, isLost: true, nodes: { 'w-1': silent } })
    expect(outcome).toBe('in 60 s: Kubernetes does not tell which workloads were scaled down')
    expect([isLost, open]).toEqual([true, undefined])
    expect(lines()).toEqual([expect.stringMatching(/^journal\.unmarked: w-1 is off/)])
  })

  test('machines are woken all the same, and what is scaled down is left open', async () => {
    const { open } = await finish({ ...unknown, nodes: { 'cp-1': { kubernetes: mark }, 'w-1': off } })
    expect(told(open!)).toEqual({ 'cp-1': 'drained', 'w-1': 'off' })
    expect(open).not.toHaveProperty('scaled')
  })

  test('nodes are uncordoned all the same, and it is asked again', async () => {
    const { outcome } = await finish({ ...unknown, nodes: { 'cp-1': { kubernetes: mark } } })
    expect(outcome).toBe('in 60 s: cp-1 uncordoned: left cordoned by a power cut without a record')
  })
})

describe('where Kubernetes falls silent after the marks were seen', () => {
  test('nothing is woken because of an outage that nobody lost', async () => {
    const gone = { 'cp-1': { talos: 'silent' }, 'w-1': off } as const
    const { outcome, open, lines, carriedOut } = await finish({ isApiGone: true, nodes: gone, hostsUp: [] })
    expect(outcome).toBe('in 5 s: Kubernetes does not answer yet: its nodes bear the marks')
    expect([open, lines(), carriedOut]).toEqual([undefined, [], []])
  })
})

test('control planes that are silent are not woken blindly where Kubernetes tells of the marks', async () => {
  const nodes = { 'cp-1': { talos: 'silent' }, 'w-1': { kubernetes: mark } } as const
  const { outcome, open } = await finish({ isLost: true, nodes })
  expect(outcome).toBe('in 60 s: w-1 uncordoned: left cordoned by a power cut without a record')
  expect(open).toBeUndefined()
})

test('a node that nobody has seen is off, and bears no mark', async () => {
  const w3 = machineOf('w-3', 'workers', 60_000)
  const { open, lines } = await finish({ machines: [cp1, w1, w2, w3, nas], nodes: { 'w-1': off } })
  expect(told(open!)).toEqual({ 'w-1': 'off' })
  expect(lines()).toEqual([expect.stringMatching(/^journal\.unmarked: w-3 is off/)])
})

test('only our own cordons for the power are taken off', async () => {
  const { steps } = await finish({ nodes: { 'cp-1': { kubernetes: mark }, 'w-1': { kubernetes: mark } } })
  expect(steps).toEqual([
    { do: 'uncordon', node: 'cp-1', why: 'power' },
    { do: 'uncordon', node: 'w-1', why: 'power' },
  ])
})

describe('the journal says', () => {
  test.each([
    {
      name: 'that the marks are followed',
      found: { nodes: { 'w-1': off } },
      is: 'power: an outage without a record is finished, as the marks on the nodes tell',
    },
    {
      name: 'that control planes are woken blindly',
      found: { isApiAway: true, isLost: true, nodes: { 'cp-1': { talos: 'silent' } } },
      is: 'power: the journal is lost and no control plane answers: they are woken, to see what was shut down',
    },
  ] as const)('$name', async ({ found, is }) => {
    expect((await finish(found)).written).toContain(is)
  })
})

describe('what is told', () => {
  test.each([
    { found: { isLost: true, nodes: { 'w-1': silent } }, is: 'journal.unmarked: critical' },
    { found: { nodes: { 'w-1': ordered } }, is: 'journal.ordered: warning' },
    { found: { storage: ['ceph'], storageFlags: true, nodes: { 'w-1': off } }, is: 'journal.storage: warning' },
  ] as const)('is as severe as $is', async ({ found, is }) => {
    expect((await finish(found)).severities).toEqual([is])
  })

  test('of machines that were ordered down ends once they are awake', async () => {
    const before = await finish({ nodes: { 'w-1': ordered } })
    await finishUnrecorded({ ...agentAfter().context, alerts: before.alerts })
    expect(before.lines()).toEqual([])
  })

  test('is said of any storage where nobody tells which there is', async () => {
    const refused = ['storage'] as const
    const { lines, open } = await finish({ refused, storageFlags: true, nodes: { 'w-1': off } })
    expect(lines()).toEqual([expect.stringMatching(/^journal\.storage: .* Ceph and Longhorn had set/)])
    expect(told(open!)).toEqual({ 'w-1': 'off' })
  })
})
