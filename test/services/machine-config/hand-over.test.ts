import { randomBytes } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import type { ProvisionDesk } from '../../../src/core/provision/desk.ts'
import { createConfigRoute } from '../../../src/services/machine-config/config-route.ts'
import { doorLimits } from '../../../src/services/machine-config/limits.ts'
import { silentLog } from '../../fakes/log.ts'
import { configRequest, port, sendRaw, serveMachines, type TestDoor, type TestDoorOptions } from './door.ts'

/** What becomes of a configuration that was taken: it was sent when the machine says so. */
const address = '127.0.168.2'
const uuid = '30313436-3631-4d32-3130-343430315836'
const query = `uuid=${uuid}`
const machine = '127.0.168.22'
const code = 'BBBB-BBBB'
const secret = 'kind: Config\n'

let door: TestDoor
const serve = async (options: TestDoorOptions = {}) => (door = await serveMachines(address, options))
afterEach(() => door[Symbol.asyncDispose]())
const ask = () => sendRaw(address, configRequest(query), { from: machine })

test('a machine that hangs up in the middle was not delivered to', async () => {
  await serve()
  await ask()
  door.desk.approve(code, randomBytes(8_000_000).toString('hex'))
  await new Promise<void>((resolve) => {
    const socket = connect({ host: address, port, localAddress: machine })
    socket.on('connect', () => socket.write(configRequest(query)))
    socket.once('data', () => socket.resetAndDestroy())
    socket.on('close', () => resolve())
  })
  await expect
    .poll(() => door.desk.diary.at(-1))
    .toMatch(
      // What comes first of a reset and a write that fails is chance.
      new RegExp(`^cut ${uuid}: its connection broke: connection (reset|closed)$`),
    )
  expect(door.told).not.toContain(`${machine} delivered`)
})

test('a connection that Caretaker closes while a configuration is made has taken nothing', async () => {
  await serve()
  await ask()
  door.desk.approve(code, secret)
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  response.assignSocket(new Socket())
  const seen: (boolean | undefined)[] = []
  const desk: ProvisionDesk = {
    ...door.desk,
    // What the socket says of it comes later.
    take: async (_, of) => {
      seen.push(of?.isGone?.())
      response.socket!.destroy()
      seen.push(of?.isGone?.())
      throw new AgentError('not-now', 'it hung up')
    },
  }
  const route = createConfigRoute({
    desk,
    limits: doorLimits,
    introduce: () => undefined,
    log: silentLog,
    told: () => {},
    signal: new AbortController().signal,
  })
  await route.answer({ claim: { uuid }, address: machine, way: 'plain' }, response, false)
  expect(seen).toEqual([false, true])
})

test('a machine that takes nothing was not delivered to', async () => {
  await serve({ limits: { takenWithin: 60 } })
  await ask()
  door.desk.approve(code, randomBytes(8_000_000).toString('hex'))
  const socket = connect({ host: address, port, localAddress: machine })
  socket.on('connect', () => socket.write(configRequest(query)))
  socket.on('error', () => {})
  socket.pause()
  await expect.poll(() => door.desk.diary.at(-1)).toMatch(/^cut .*: it did not take it within/)
  socket.destroy()
})

test('a machine that has enough before it has all was not delivered to', async () => {
  await serve()
  await ask()
  door.desk.approve(code, randomBytes(8_000_000).toString('hex'))
  const socket = connect({ host: address, port, localAddress: machine, allowHalfOpen: true })
  socket.on('connect', () => socket.write(configRequest(query)))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('readable', resolve))
  socket.end()
  await expect.poll(() => door.desk.diary.at(-1)).toMatch(/^cut .*: it hung up before it had all/)
  socket.destroy()
})

test.each([
  { name: 'and does not say that it has all', within: 100, end: async () => {}, why: /it did not take it within/ },
  {
    name: 'while Caretaker ends',
    within: 3_600_000,
    end: () => door[Symbol.asyncDispose](),
    why: /its connection was closed before/,
  },
])('a machine that reads $name may not have it', async ({ within, end, why }) => {
  await serve({ limits: { takenWithin: within } })
  await ask()
  door.desk.approve(code, secret)
  const socket = connect({ host: address, port, localAddress: machine, allowHalfOpen: true })
  socket.on('connect', () => socket.write(configRequest(query)))
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('data', resolve))
  await end()
  await expect.poll(() => door.desk.diary.at(-1)).toMatch(why)
  socket.destroy()
})
