import type { LookupFunction } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createBackoff } from '../../../src/adapters/nut/backoff.ts'
import { createResolver } from '../../../src/adapters/nut/resolver.ts'
import { createNutUps, type UpsOptions } from '../../../src/adapters/nut/ups.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { startSpeaker } from '../../lab/speaker.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import type { LabUpsd } from '../../lab/upsd/upsd.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.18'
const client = ({ port }: Pick<LabUpsd, 'port'>, options: Partial<UpsOptions> = {}) =>
  createNutUps({ host: address, port, name: 'ups', timeout: 300, ...options })

describe('the wait between two attempts', () => {
  const failure = new AgentError('unreachable', 'upsd at nas:3493: connection refused')
  /** The least wait after each failure in a row, in ms. */
  const waits = (chance: number, count: number) => {
    let now = 0
    const backoff = createBackoff(
      5_000,
      () => now,
      () => chance,
    )
    return Array.from({ length: count }, () => {
      backoff.failed(failure)
      const from = now
      while (isClosed(backoff)) now += 1
      return now - from
    })
  }
  const isClosed = (backoff: { check(): void }) => {
    try {
      backoff.check()
      return false
    } catch {
      return true
    }
  }

  test('doubles from a quarter of a second up to its end, half of it by chance', () => {
    expect(waits(1, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
    expect(waits(0, 7)).toEqual([125, 250, 500, 1_000, 2_000, 2_500, 2_500])
  })

  test('ends with a success, and begins small again', () => {
    const backoff = createBackoff(
      5_000,
      () => 0,
      () => 1,
    )
    for (const _ of [1, 2, 3]) backoff.failed(failure)
    expect(() => backoff.check()).toThrow(
      expect.objectContaining({
        code: 'unreachable',
        message: 'upsd at nas:3493: connection refused (next attempt in 1000 ms)',
      }),
    )
    backoff.succeeded()
    backoff.check()
    backoff.failed(failure)
    expect(() => backoff.check()).toThrow(/in 250 ms/)
  })
})

describe('a server that', () => {
  test('takes connections and closes them is not run down with attempts', async () => {
    await using server = await startSpeaker(address, (_, socket) => void socket.destroy())
    await using ups = client(server)
    const failures = new Set<string>()
    const began = performance.now()
    await expect
      .poll(
        async () => {
          await Promise.all(
            Array.from({ length: 20 }, () => ups.read(soon()).catch((error: Error) => failures.add(error.message))),
          )
          return performance.now()
        },
        { interval: 1 },
      )
      .toBeGreaterThan(began + 600)
    // At 0, after 125 to 250 ms, after 250 to 500 more, and so on.
    const soonest = [0, 125, 375, 875, 1_875, 3_875, 6_375, 8_875]
    const most = soonest.filter((at) => at <= performance.now() - began).length
    expect(server.connections).toBeGreaterThanOrEqual(2)
    expect(server.connections).toBeLessThanOrEqual(most)
    expect([...failures].at(-1)).toMatch(/connection.* \(next attempt in \d+ ms\)/)
  })

  test('breaks a connection that was good is tried again at once', async () => {
    await using upsd = await startUpsdStandIn({ address })
    await using ups = client(upsd)
    for (const _ of [1, 2, 3]) {
      await ups.read(soon())
      upsd.misbehaviour.dropAfter = 1
      await expect(ups.read(soon())).rejects.toThrow(/closed the connection/)
      expect((await ups.read(soon())).charge).toBe(100)
    }
  })

  test('is there again after many failures is no longer waited for', async () => {
    await using upsd = await startUpsdStandIn({ address })
    await using ups = client(upsd, { retryUpTo: 100 })
    await upsd.stop()
    await expect(ups.read(soon())).rejects.toThrow(/connection refused/)
    await expect(ups.read(soon())).rejects.toThrow(/connection refused.*next attempt in/)
    await upsd.start()
    await expect.poll(() => ups.read(soon()).catch(() => undefined), { interval: 5 }).toMatchObject({ charge: 100 })
    await upsd.stop()
    await expect(ups.read(soon())).rejects.toThrow(AgentError)
    await upsd.start()
    await expect.poll(() => ups.read(soon()).catch(() => undefined), { interval: 5 }).toMatchObject({ charge: 100 })
  })
})

test('who has closed a UPS gets no other connection', async () => {
  await using server = await startSpeaker(address, (_, socket) => void socket.write('ERR VAR-NOT-SUPPORTED\n'))
  const ups = client(server)
  await ups.read(soon())
  await ups[Symbol.asyncDispose]()
  await expect(ups.read(soon())).rejects.toThrow(/the session is closed/)
  expect(server.connections).toBe(1)
})

test('closing does not wait for a server that does not answer the connection', async () => {
  await using upsd = await startUpsdStandIn({ address })
  upsd.misbehaviour.halfOpen = true
  const ups = client(upsd, { timeout: 60_000, credentials: { user: 'monuser', password: 'secret' } })
  const reading = ups.read(soon()).catch((error: Error) => error.message)
  await expect.poll(() => upsd.connections).toBe(1)
  const before = performance.now()
  await ups[Symbol.asyncDispose]()
  expect(performance.now() - before).toBeLessThan(15_000)
  expect(await reading).toMatch(/did not answer (in time|within)/)
})

describe('a name', () => {
  /** A DNS server that may go away: it has `none` to tell, or falls into `silence`. */
  function dns(first: string) {
    const state = { answer: first, asked: 0 }
    const resolve: LookupFunction = (host, { all }, callback) => {
      state.asked += 1
      const { answer } = state
      if (answer === 'silence') return
      if (answer === 'none')
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), '')
      else if (all) callback(null, [{ address: answer, family: 4 }])
      else callback(null, answer, 4)
    }
    return Object.assign(state, { resolve })
  }

  test.each(['none', 'silence'])('that was known is known while the DNS server has %s to say', async (gone) => {
    const server = dns(address)
    await using upsd = await startUpsdStandIn({ address })
    await using ups = client(upsd, { host: 'upsd.lab', resolve: server.resolve })
    await ups.read(soon())
    server.answer = gone
    for (const _ of [1, 2]) {
      await upsd.stop()
      await upsd.start()
      await expect.poll(() => ups.read(soon()).catch(() => undefined)).toMatchObject({ charge: 100 })
    }
    // One that hangs is not asked again.
    expect(server.asked).toBeLessThanOrEqual(gone === 'silence' ? 2 : 99)
  })

  test('that was never known says so, and what to do', async () => {
    await using ups = client({ port: 1 }, { host: 'upsd.lab', resolve: dns('none').resolve })
    await expect(ups.read(soon())).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/upsd at upsd\.lab:1: no such name: check `host`/),
    })
    await using patient = client({ port: 1 }, { host: 'upsd.lab', resolve: dns('silence').resolve })
    await expect(patient.read(soon())).rejects.toThrow(/no connection within 300 ms/)
  })

  test('follows the DNS server where that answers, and stands for what worked last where it does not', async () => {
    const answers: Parameters<Parameters<LookupFunction>[2]>[] = []
    const server = dns('127.0.0.1')
    const { lookup, remember } = createResolver(10_000, server.resolve)
    const ask = () => lookup('upsd.lab', {}, (...given) => void answers.push(given))
    ask()
    remember('127.0.0.1')
    await expect.poll(() => answers.length).toBe(1)
    server.answer = '::1'
    ask()
    await expect.poll(() => answers.length).toBe(2)
    server.answer = 'none'
    ask()
    await expect.poll(() => answers.length).toBe(3)
    expect(answers).toEqual([
      [null, '127.0.0.1', 4],
      [null, '::1', 6],
      [null, '127.0.0.1', 4],
    ])
  })
})
