import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { limitConnections } from '../../../src/http/connection-limit.ts'
import { countedClient } from '../../../src/services/api/connections.ts'
import { createRates } from '../../../src/services/api/rates.ts'
import { bearer, openDoor, type OpenDoor, operateToken } from './door.ts'

describe('requests of one address', () => {
  test('are a hundred at once and twenty a second then, and of another as many', async () => {
    await using door = await openDoor()
    const statuses: number[] = []
    for (let index = 0; index < 101; index++) statuses.push((await door.ask({})).status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(100)
    expect(await door.ask({ headers: bearer(operateToken) })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1', 'content-type': 'application/problem+json' },
    })
    expect(await door.ask({ from: '127.0.204.2' })).toMatchObject({ status: 200 })
    door.at.monotonic += 100
    expect([(await door.ask({})).status, (await door.ask({})).status, (await door.ask({})).status]).toEqual([
      200, 200, 429,
    ])
  })

  test('that do not name us are refused first, and counted with nobody', async () => {
    await using door = await openDoor({ means: { limits: { requests: { burst: 1, perSecond: 1 } } } })
    for (const _ of [1, 2, 3])
      expect(await door.ask({ headers: { host: 'evil.example' } })).toMatchObject({ status: 421 })
    expect(await door.ask({})).toMatchObject({ status: 200 })
  })
})

test('rates forget who has everything again, and of too many the one that was heard of least lately', () => {
  let now = 0
  const rates = createRates({ burst: 2, perSecond: 1 }, () => now)
  rates.count('first')
  for (let index = 0; index < 9_999; index++) rates.count(`client-${index}`)
  rates.count('first')
  expect(rates.wait('first')).toBe(1_000)
  rates.count('client-0')
  rates.count('one too many')
  expect([rates.wait('first'), rates.wait('client-0'), rates.wait('client-1')]).toEqual([1_000, 1_000, 0])
  now = 1_500
  expect(rates.wait('first')).toBe(0)
  rates.count('first')
  expect(rates.wait('first')).toBe(500)
})

describe('whoever is slow', () => {
  const limits = { headersWithin: 50, requestWithin: 100, idle: 50 }
  const head = (door: OpenDoor) =>
    `POST /api/v1/rollout/pause HTTP/1.1\r\nhost: 127.0.0.1:${door.port}\r\nauthorization: Bearer ${operateToken}\r\n`

  test.each([
    { what: 'says nothing', send: () => '' },
    { what: 'never ends its headers', send: (door: OpenDoor) => head(door) },
    { what: 'never ends its first line', send: () => 'POST /api' },
    {
      what: 'never sends its body',
      send: (door: OpenDoor) => `${head(door)}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    },
  ])('and $what is cut off, and has changed nothing', async ({ send }) => {
    await using door = await openDoor({ means: { limits } })
    const said = await door.raw(send(door), 30_000)
    expect(said).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    expect(door.heard).toEqual([])
  })

  test('to read an answer is cut off', async () => {
    const huge = { text: 'x'.repeat(32 * 1_048_576) }
    await using door = await openDoor({ status: async () => huge, means: { limits: { readWithin: 50 } } })
    const socket = connect({ host: '127.0.0.1', port: door.port }).pause()
    socket.on('error', () => {})
    socket.write(`GET /api/v1/status HTTP/1.1\r\nhost: 127.0.0.1:${door.port}\r\n\r\n`)
    // Hung up on, as a write shows without reading anything.
    const isCut = () => (socket.write('\r\n'), socket.destroyed || socket.errored !== null)
    await expect.poll(isCut).toBe(true)
  })
})

test.each([
  { what: 'headers larger than 16 KiB', head: `x: ${'y'.repeat(20_000)}`, status: 431 },
  { what: 'a body larger than 64 KiB', head: 'content-type: application/json\r\ncontent-length: 70000', status: 4 },
])('$what are refused', async ({ head, status }) => {
  await using door = await openDoor()
  const own = `host: 127.0.0.1:${door.port}\r\nauthorization: Bearer ${operateToken}\r\n`
  const body = 'x'.repeat(70_000)
  const said = await door.raw(`POST /api/v1/rollout/pause HTTP/1.1\r\n${own}${head}\r\n\r\n${body}`)
  expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
  expect(door.heard).toEqual([])
})

test('connections of one address are limited, except those of programs here and of proxies', () => {
  const opened: (Socket & { ended?: boolean; close?: () => void })[] = []
  let connected: (socket: Socket) => void = () => {}
  const server = { on: (_: string, listener: (socket: Socket) => void) => (connected = listener) }
  limitConnections(server as never, {
    most: 2,
    clientOf: (socket) => countedClient(socket, (address) => address === '10.0.0.9'),
  })
  const open = (remoteAddress: string) => {
    const socket: Record<string, unknown> = { remoteAddress, ended: false }
    socket['once'] = (_: string, listener: () => void) => (socket['close'] = listener)
    socket['destroy'] = () => {
      socket['ended'] = true
      ;(socket['close'] as () => void)()
    }
    connected(socket as never)
    opened.push(socket as never)
    return socket as { ended: boolean; close: () => void }
  }
  expect([1, 2, 3].map(() => open('10.0.0.1').ended)).toEqual([false, false, true])
  expect(open('::ffff:10.0.0.1').ended).toBe(true)
  expect(open('10.0.0.2').ended).toBe(false)
  expect([1, 2, 3].map(() => open('10.0.0.9').ended)).toEqual([false, false, false])
  expect([1, 2, 3].map(() => open('127.0.0.1').ended)).toEqual([false, false, false])
  expect([1, 2, 3].map((part) => open(`2001:db8::${part}`).ended)).toEqual([false, false, true])
  opened[0]!.close!()
  expect(open('10.0.0.1').ended).toBe(false)
})
