import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { until, withDeadline } from '../../src/engine/until.ts'

const never = new AbortController().signal
const quick = { within: 5_000, pollEvery: 1, signal: never }

describe('a wait', () => {
  test('ends with the first look that sees it so', async () => {
    let looks = 0
    await until('three', quick, async () => ++looks === 3 || 'not three')
    expect(looks).toBe(3)
  })

  test('that takes too long says for what, and what was seen last', async () => {
    const waiting = until('cp-1 to run v1.14.0', { ...quick, within: 30 }, async () => 'it runs v1.13.9')
    await expect(waiting).rejects.toEqual(
      expect.objectContaining({ code: 'timed-out', message: 'waited 0 s for cp-1 to run v1.14.0: it runs v1.13.9' }),
    )
  })

  test('goes on while nobody answers, and says so when time is over', async () => {
    let looks = 0
    await until('an answer', quick, async () => {
      if (++looks < 3) throw new AgentError('unreachable', 'nobody')
      return true
    })
    const waiting = until('an answer', { ...quick, within: 30 }, async () => {
      throw new AgentError('unreachable', 'nobody')
    })
    await expect(waiting).rejects.toThrow('for an answer: nobody')
  })

  test('ends at once with an error that waiting does not mend', async () => {
    let looks = 0
    const waiting = until('it', quick, async () => {
      looks += 1
      throw new AgentError('rejected', 'no')
    })
    await expect(waiting).rejects.toMatchObject({ code: 'rejected', message: 'no' })
    expect(looks).toBe(1)
  })

  test('that is called off ends at once with the reason, also in the middle of a look or between two', async () => {
    const reason = new Error('taken over')
    for (const pollEvery of [1, 3_600_000]) {
      const stop = new AbortController()
      const waiting = until('it', { within: 3_600_000, pollEvery, signal: stop.signal }, async (signal) => {
        if (pollEvery > 1) return 'not yet'
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut off'))))
        return true
      })
      setTimeout(() => stop.abort(reason), 10)
      await expect(waiting).rejects.toBe(reason)
    }
  })

  test('gives each look a signal that ends with the time, so that none hangs', async () => {
    const waiting = until('it', { ...quick, within: 20 }, (signal) => {
      const { promise, reject } = Promise.withResolvers<true>()
      signal.addEventListener('abort', () => reject(new AgentError('unreachable', 'cut off')))
      return promise
    })
    await expect(waiting).rejects.toMatchObject({ code: 'timed-out' })
  })
})

describe('a deadline', () => {
  const hanging = (error: Error) => (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(error)))

  test('leaves alone what is done in time, and what fails by itself', async () => {
    await expect(withDeadline(1_000, never, async () => 7)).resolves.toBe(7)
    const error = new AgentError('rejected', 'no')
    await expect(withDeadline(1_000, never, () => Promise.reject(error))).rejects.toBe(error)
  })

  test('names the culprit when it has passed', async () => {
    const drain = withDeadline(10, never, hanging(new AgentError('rejected', 'would not go: db-0')))
    await expect(drain).rejects.toMatchObject({
      code: 'timed-out',
      message: 'not done within 0 s: would not go: db-0',
    })
    await expect(withDeadline(10, never, hanging(new Error('aborted')))).rejects.toThrow(/^not done within 0 s$/)
  })

  test('is not blamed when the whole run was called off', async () => {
    const reason = new Error('taken over')
    const stop = new AbortController()
    const work = withDeadline(3_600_000, stop.signal, hanging(new AgentError('unreachable', 'cut off')))
    stop.abort(reason)
    await expect(work).rejects.toBe(reason)
  })
})
