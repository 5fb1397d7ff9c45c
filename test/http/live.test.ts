import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { Change, Operator, StatusAnswer } from '../../src/core/operator.ts'
import { createLive } from '../../src/http/live.ts'
import { followLive, type LiveEvent } from '../../src/http/live-client.ts'
import { createListeners } from '../../src/core/listeners.ts'
import { silentLog } from '../fakes/log.ts'
import { startDaemon } from './daemon.ts'

const status = { version: '1.2.3', alerts: { open: 1 } } as StatusAnswer
const alert = {
  id: 'lease',
  severity: 'warning',
  subject: 'cluster',
  text: 'held',
  since: '2026-11-22T10:00:00Z',
} as const
const opened: Change = { type: 'alert', change: 'opened', alert }
const told = { status: async () => status, alerts: () => [alert] }

/** Gathers what a client hears. */
async function follow(socketPath: string) {
  const stop = new AbortController()
  const events: LiveEvent[] = []
  const lost: string[] = []
  const over = (async () => {
    for await (const event of followLive({ socketPath }, stop.signal, (why) => lost.push(why))) events.push(event)
  })()
  over.catch(() => {})
  await expect.poll(() => events.length + lost.length).toBeGreaterThan(0)
  return { events, lost, over, [Symbol.asyncDispose]: async () => (stop.abort(), over.catch(() => {})) }
}

describe('who follows what changes', () => {
  test('is told the whole state first, and then each change', async () => {
    await using at = await startDaemon(told)
    await using client = await follow(at.socket)
    expect(client.events).toEqual([{ event: 'state', data: { version: '1.2.3', status, alerts: [alert] } }])
    at.tell(opened)
    at.tell({
      type: 'journal',
      entry: { id: 7, at: alert.since, kind: 'event', subject: undefined, text: 'hello\n\nyou' },
    })
    await expect.poll(() => client.events.length).toBe(3)
    expect(client.events.slice(1)).toEqual([
      { event: 'alert', data: { change: 'opened', alert } },
      { event: 'journal', data: { id: 7, at: alert.since, kind: 'event', text: 'hello\n\nyou' } },
    ])
  })

  test('is told the state again after the daemon was away, and hears once that it was', async () => {
    const at = await startDaemon(told)
    await using client = await follow(at.socket)
    await at.stop()
    await expect.poll(() => client.lost).toHaveLength(1)
    expect(client.lost[0]).toMatch(/closed the connection/)
    await using again = await startDaemon({ ...told, alerts: () => [] }, { socket: at.socket })
    await expect.poll(() => client.events.length).toBe(2)
    expect(client.events[1]).toMatchObject({ event: 'state', data: { alerts: [] } })
    expect(client.lost).toHaveLength(1)
    await at[Symbol.asyncDispose]()
    expect(again.socket).toBe(at.socket)
  })

  test('is told what changes while its first state is read', async () => {
    const reading = Promise.withResolvers<StatusAnswer>()
    const { live, changes } = liveOf({ ...told, status: () => reading.promise })
    const { next } = readerOf(live.open(idle()))
    expect(await next()).toMatch(/^retry: /)
    changes.tell(opened)
    reading.resolve(status)
    expect([await next(), await next()].map((text) => /event: (\w+)/.exec(text)?.[1])).toEqual(['state', 'alert'])
  })

  test('hears that there are too many, and is let in when one has gone', async () => {
    await using at = await startDaemon(told, { limits: { live: 1 } })
    const first = await follow(at.socket)
    const second = new AbortController()
    const refused = followLive({ socketPath: at.socket }, second.signal, (why) => second.abort(why))
    expect(await refused.next()).toMatchObject({ done: true })
    expect(second.signal.reason).toBe('1 clients follow already: try again later')
    await first[Symbol.asyncDispose]()
    await using third = await follow(at.socket)
    await expect.poll(() => third.events.length).toBe(1)
  })

  test('and does not read is dropped, while others hear everything', async () => {
    let states = 0
    const counted = { ...told, status: async () => ((states += 1), status) }
    await using at = await startDaemon(counted, { limits: { readWithin: 60_000 } })
    await using client = await follow(at.socket)
    const lazy = connect(at.socket).pause()
    lazy.on('error', () => {})
    await once(lazy, 'connect')
    lazy.write('GET /api/v1/live HTTP/1.1\r\nhost: caretaker\r\n\r\n')
    const text = 'x'.repeat(400_000)
    await expect.poll(() => states).toBe(2)
    for (let id = 1; id <= 12; id++) {
      at.tell({ type: 'journal', entry: { id, at: alert.since, kind: 'event', subject: undefined, text } })
      await expect.poll(() => client.events.length).toBe(id + 1)
    }
    await expect.poll(() => isCut(lazy)).toBe(true)
  })
})

test('each change is written once, whoever reads it', async () => {
  const { live, changes } = liveOf(told)
  const clients = [1, 2, 3].map(() => readerOf(live.open(idle())))
  for (const { next } of clients) expect([await next(), await next()][1]).toContain('event: state')
  changes.tell(opened)
  const [a, b, c] = await Promise.all(clients.map(({ bytes }) => bytes()))
  expect(a).toBe(b)
  expect(b).toBe(c)
})

test('nothing is watched for clients that are not there', async () => {
  const { live, changes } = liveOf(told)
  expect(changes.count()).toBe(0)
  const gone = new AbortController()
  readerOf(live.open({ ...idle(), signal: gone.signal }))
  expect(changes.count()).toBe(1)
  gone.abort()
  expect(changes.count()).toBe(0)
})

test('who is let in no longer hears no more after the next beat', async () => {
  const { live } = liveOf(told, { beatsEvery: 20 })
  let isLetIn = true
  const check = async () => {
    if (!isLetIn) throw new AgentError('unauthenticated', 'the token is revoked')
  }
  const { next } = readerOf(live.open({ ...idle(), check }))
  expect([await next(), await next(), await next()].at(-1)).toBe(':\n\n')
  isLetIn = false
  await expect.poll(next).toBe('over')
})

/** The streams themselves, without a socket between. */
function liveOf(overrides: Partial<Operator>, options: { readonly beatsEvery?: number } = {}) {
  const listeners = createListeners<Change>()
  let count = 0
  const subscribe: Operator['subscribe'] = (listener) => {
    const own = listeners.subscribe(listener)
    count += 1
    return { [Symbol.dispose]: () => ((count -= 1), own[Symbol.dispose]()) }
  }
  const operator = { ...overrides, subscribe } as Operator
  return {
    live: createLive(operator, { most: 10, log: silentLog, ...options }),
    changes: { tell: listeners.tell, count: () => count },
  }
}

/** A client that stays, and may hear. */
const idle = () => ({ signal: new AbortController().signal, check: async () => {} })

function readerOf(response: Response) {
  const reader = response.body!.getReader()
  const bytes = async () => (await reader.read()).value
  return { bytes, next: async () => new TextDecoder().decode((await bytes()) ?? new TextEncoder().encode('over')) }
}

/** Whether the other side has hung up, as a write shows without reading anything. */
function isCut(client: ReturnType<typeof connect>): boolean {
  client.write('\r\n')
  return client.destroyed || client.errored !== null
}
