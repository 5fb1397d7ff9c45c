import { describe, expect, test, vi } from 'vitest'
import { bestEffort, phase, type CarryOutChoices, type Phase, type Step } from '../../src/core/plan.ts'
import { english } from '../../src/core/wording.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { keptLog } from './orders.ts'
import { hangs, refused } from './power-steps.ts'

const within = 5_000
const drain = (node: string): Step => ({ do: 'drain', node, policy: {}, within })

/** Carries out phases of drains. What becomes of one is said by its node: it is done at once where nothing is said. */
async function drained(
  phases: readonly Phase[],
  {
    on = {},
    choices = {},
    signal = new AbortController().signal,
  }: {
    readonly on?: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>>
    readonly choices?: Partial<CarryOutChoices>
    readonly signal?: AbortSignal
  } = {},
) {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const told: string[] = []
  const { log, lines } = keptLog()
  homelab.ports.kubernetes.drain = async (node, _, soon) => {
    told.push(`drain ${node}`)
    await on[node]?.(soon)
  }
  const options = {
    inventory: [],
    log,
    wording: english,
    pollEvery: 1,
    signal,
    onStep: (step: Step, state: { kind: string; error?: Error }) =>
      told.push([state.kind, 'node' in step ? step.node : '', state.error?.message].filter(Boolean).join(' ')),
    onPhase: (id: string) => told.push(`phase ${id}`),
    ...choices,
  }
  const outcome = await carryOut(phases, homelab.ports, options).then(
    () => 'done',
    (error: unknown) => error,
  )
  return { outcome, told, drains: told.filter((one) => one.startsWith('drain')), lines }
}

const first = phase('drain', ['pause'], drain('w-1'), drain('w-2'))
const second = phase('uncordon', [], drain('w-3'))
const fails = async () => {
  throw refused('rejected', 'no such pod')
}

describe('a plan', () => {
  test('goes phase by phase, and each step is told before it begins and after it ends', async () => {
    const { outcome, told, lines } = await drained([phase('drain', [], drain('w-1')), second])
    expect(outcome).toBe('done')
    expect(told.join(', ')).toBe(
      'started w-1, drain w-1, done w-1, phase drain, started w-3, drain w-3, done w-3, phase uncordon',
    )
    expect(lines).toEqual(['info: phase started', 'info: phase started'])
  })

  test('begins all steps of a phase together, and the next phase once the last of them has ended', async () => {
    const ends = Promise.withResolvers<void>()
    const isBegun = Promise.withResolvers<void>()
    const running = drained([first, second], {
      on: { 'w-1': () => ends.promise, 'w-2': async () => isBegun.resolve() },
    })
    await isBegun.promise
    // Until then `w-1` has kept the next phase waiting for more than one turn.
    setImmediate(() => ends.resolve())
    expect((await running).told.join(', ')).toBe(
      'started w-1, drain w-1, started w-2, drain w-2, done w-2, done w-1, phase drain, ' +
        'started w-3, drain w-3, done w-3, phase uncordon',
    )
  })

  test('ends with a phase in which a step fails, but not before its other steps have ended', async () => {
    const slow = Promise.withResolvers<void>()
    const on = {
      'w-1': fails,
      'w-2': async () => {
        setImmediate(() => slow.resolve())
        await slow.promise
      },
    }
    const { outcome, told } = await drained([first, second], { on })
    const why = 'drain w-1: no such pod'
    expect(outcome).toMatchObject({ code: 'rejected', message: why })
    expect(told.join(', ')).toBe(`started w-1, drain w-1, started w-2, drain w-2, failed w-1 ${why}, done w-2`)
  })

  test('goes on after a phase that may fail, and the log says what did', async () => {
    const { outcome, drains, told, lines } = await drained([bestEffort(first), second], { on: { 'w-1': fails } })
    expect([outcome, drains]).toEqual(['done', ['drain w-1', 'drain w-2', 'drain w-3']])
    expect(told).toContain('phase drain')
    expect(lines).toContain('warn: step failed; carrying on')
  })

  test('ends before a phase that something stops, and can be tried again', async () => {
    const asked: string[] = []
    const whyNotBegin = ({ id }: Phase) => {
      asked.push(id)
      return id === 'uncordon' ? 'it is paused' : undefined
    }
    const { outcome, drains } = await drained([first, second], { choices: { whyNotBegin } })
    expect(outcome).toMatchObject({ code: 'not-now', message: 'stopped before uncordon: it is paused' })
    expect([drains, asked]).toEqual([
      ['drain w-1', 'drain w-2'],
      ['drain', 'uncordon'],
    ])
  })

  test('tells how long a phase took, in ms', async () => {
    let now = 50_000
    using _ = vi.spyOn(performance, 'now').mockImplementation(() => now)
    const took: [string, number][] = []
    const on = { 'w-3': async () => (now += 1_500) }
    await drained([second], { on, choices: { onPhase: (id, ms) => took.push([id, ms]) } })
    expect(took).toEqual([['uncordon', 1_500]])
  })
})

describe('a run that is called off', () => {
  const reason = new Error('taken over by shutdown')

  test('begins nothing', async () => {
    let isAsked = false
    const choices = { whyNotBegin: () => void (isAsked = true) }
    const { outcome, told } = await drained([first], { signal: AbortSignal.abort(reason), choices })
    expect([outcome, told, isAsked]).toEqual([reason, [], false])
  })

  test.each<{ name: string; plan: readonly Phase[] }>([
    { name: 'in the middle of a phase', plan: [phase('drain', [], drain('w-1')), second] },
    { name: 'in a phase that may fail', plan: [bestEffort(phase('drain', [], drain('w-1'))), second] },
  ])('$name goes no further, and its steps say why', async ({ plan }) => {
    const stop = new AbortController()
    const on = {
      'w-1': (signal: AbortSignal) => {
        stop.abort(reason)
        return hangs(signal)
      },
    }
    const { outcome, told } = await drained(plan, { signal: stop.signal, on })
    expect([outcome, told]).toEqual([reason, ['started w-1', 'drain w-1', 'failed w-1 taken over by shutdown']])
  })

  test('while its last step ends well is not done, whatever else is left', async () => {
    const stop = new AbortController()
    const on = { 'w-1': async () => stop.abort(reason) }
    const { outcome, told } = await drained([phase('drain', [], drain('w-1'))], { signal: stop.signal, on })
    expect([outcome, told]).toEqual([reason, ['started w-1', 'drain w-1', 'done w-1']])
  })
})
