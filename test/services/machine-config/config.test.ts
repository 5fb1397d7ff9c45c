import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createConfigRoute } from '../../../src/services/machine-config/config-route.ts'
import { doorLimits } from '../../../src/services/machine-config/limits.ts'
import { openDesk } from '../../operations/provision/at-desk.ts'
import { silentLog } from '../../fakes/log.ts'
import {
  configRequest,
  port,
  type RawAnswer,
  sendRaw,
  serveMachines,
  type TestDoor,
  type TestDoorOptions,
} from './door.ts'

const address = '127.0.168.1'
const uuid = '30313436-3631-4d32-3130-343430315836'
const mac = '52:54:00:12:34:56'
/** As Talos writes it: sorted, with escapes in upper case. */
const query = `mac=52%3A54%3A00%3A12%3A34%3A56&uuid=${uuid}`
const [machine, other] = ['127.0.168.20', '127.0.168.21']
const code = 'BBBB-BBBB'
const secret = 'kind: Config\ntoken: s3cr3t-0f-the-homelab\n'

let door: TestDoor
const serve = async (options: TestDoorOptions = {}) => (door = await serveMachines(address, options))
afterEach(() => door[Symbol.asyncDispose]())
const ask = (given = query, from = machine, signal?: AbortSignal): Promise<RawAnswer> =>
  sendRaw(address, configRequest(given), { from, ...(signal ? { signal } : {}) })
const held = (count: number) => expect.poll(() => door.held()).toBe(count)

test('a machine shows its code at once, is held while a person decides, and gets exactly its document', async () => {
  await serve()
  expect(await ask()).toMatchObject({ status: 503, body: `pending: ${code}` })
  const second = ask()
  await held(1)
  door.desk.approve(code, secret)
  expect(await second).toMatchObject({ status: 200, body: secret })
  await expect.poll(() => door.desk.diary).toEqual([`taken ${uuid}`, `sent ${uuid}`])
  expect(door.desk.asked[0]).toEqual({
    claim: { uuid, mac, serial: undefined, hostname: undefined },
    address: machine,
    way: 'plain',
  })
  expect(door.told).toEqual([`${machine} pending`, `${machine} pending`, `${machine} delivered`])
  expect(door.held()).toBe(0)
})

test('a machine that is forgotten while it is held shows its new code at once', async () => {
  const it = openDesk()
  // Longer than a case may take.
  await serve({ desk: it.desk, limits: { hold: 3_600_000 } })
  await ask()
  const second = ask()
  await held(1)
  it.desk.forget(uuid)
  const { body } = await second
  expect(body).toBe(`pending: ${it.desk.machines()[0]!.claimants[0]!.code}`)
})

test('nobody decides: it hears the code again when it has waited long enough, and never 204 or nothing', async () => {
  await serve({ limits: { hold: 40 } })
  await ask()
  expect(await ask()).toMatchObject({ status: 503, body: `pending: ${code}` })
})

test('a text that changes on the console fits there', async () => {
  await serve({ limits: { hold: 40 } })
  await ask()
  door.desk.showAgain(code)
  const { body } = await ask()
  expect(body).toBe(`pending: ${code} #2`)
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(32)
})

test('whoever has waited 90 s for a variable is not held for longer than its own limit', async () => {
  await serve({ limits: { hold: 60_000, holdLate: 40 } })
  const late = `hostname=%24%7Bhostname%7D&${query}`
  await ask(late)
  expect(await ask(late)).toMatchObject({ status: 503, body: `pending: ${code}` })
  expect(door.desk.asked[0]!.claim).toMatchObject({ hostname: undefined, uuid })
  expect(door.notes).toEqual([`${machine} lacks hostname`])
})

test.each([
  { name: 'says nothing', given: '' },
  { name: 'has no value for its variables', given: 'mac=%24%7Bmac%7D&uuid=%24%7Buuid%7D' },
  { name: 'has a board without a UUID of its own', given: 'uuid=00000000-0000-0000-0000-000000000000' },
  { name: 'has the UUID of many boards', given: 'uuid=03000200-0400-0500-0006-000700080009' },
])('a machine that $name is nobody, and waits for nothing', async ({ given }) => {
  await serve()
  for (let count = 0; count < 2; count += 1)
    expect(await ask(given)).toMatchObject({ status: 503, body: 'no uuid and no mac address' })
  expect(door.told).toEqual([`${machine} refused`, `${machine} refused`])
})

test('what is approved waits for a machine that has hung up', async () => {
  await serve()
  await ask()
  const gone = new AbortController()
  const second = ask(query, machine, gone.signal).catch(() => undefined)
  await held(1)
  gone.abort()
  await second
  await held(0)
  door.desk.approve(code, secret)
  expect(door.desk.diary).toEqual([])
  expect(await ask()).toMatchObject({ status: 200, body: secret })
})

test('a machine that hangs up in the moment in which it is approved has taken nothing', async () => {
  await serve()
  const route = createConfigRoute({
    desk: door.desk,
    limits: doorLimits,
    introduce: () => undefined,
    log: silentLog,
    told: () => {},
    signal: new AbortController().signal,
  })
  const question = { claim: { uuid, mac }, address: machine, way: 'plain' as const }
  await route.answer(question, new ServerResponse(new IncomingMessage(new Socket())), false)
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const answered = route.answer(question, response, false)
  door.desk.approve(code, secret)
  response.emit('close')
  await answered
  expect(door.desk.diary).toEqual([])
  expect(door.desk.ask(question).kind).toBe('deliver')
})

test('by one approval it gets it once: what asks again waits for another one', async () => {
  await serve({ limits: { hold: 40 } })
  await ask()
  door.desk.approve(code, secret)
  expect((await ask()).status).toBe(200)
  for (let count = 0; count < 3; count += 1) expect((await ask()).status).toBe(503)
  expect(door.desk.diary.filter((line) => line.startsWith('taken'))).toHaveLength(1)
})

test('two requests of one machine at a time are one delivery', async () => {
  await serve({ limits: { hold: 2_000 } })
  await ask()
  const both = [ask(), ask()]
  await held(2)
  door.desk.approve(code, secret)
  await expect.poll(() => door.desk.diary).toContain(`sent ${uuid}`)
  await door[Symbol.asyncDispose]()
  const answers = await Promise.allSettled(both)
  const whole = answers.filter((one) => one.status === 'fulfilled' && one.value.status === 200)
  expect(whole).toHaveLength(1)
})

test('an approval that has run out gives nothing', async () => {
  await serve({ limits: { hold: 40 } })
  await ask()
  door.desk.approve(code, secret)
  door.desk.expire(code)
  expect(await ask()).toMatchObject({ status: 503, body: `pending: ${code}` })
})

test('somebody with the same MAC and UUID at another address is somebody else', async () => {
  await serve({ limits: { hold: 40 } })
  await ask()
  expect((await ask(query, other)).body).toBe('pending: BBBB-BBBC')
  door.desk.approve(code, secret)
  expect((await ask(query, other)).status).toBe(503)
  expect((await ask()).status).toBe(200)
})

test('a machine that is rejected while it is held hears so at once', async () => {
  await serve()
  await ask()
  const second = ask()
  await held(1)
  door.desk.reject(uuid)
  expect(await second).toMatchObject({ status: 503, body: 'rejected' })
})

test('a configuration that can’t be made is not sent, and what was approved stands', async () => {
  await serve()
  await ask()
  door.desk.fail('worker.yaml: patch 2 names no document')
  door.desk.approve(code, secret)
  expect(await ask()).toMatchObject({ status: 503, body: 'its configuration has faults' })
  door.desk.fail(undefined)
  expect(await ask()).toMatchObject({ status: 200, body: secret })
})

test('a machine that is to wait in maintenance gets what is incomplete, whatever was approved', async () => {
  await serve({
    introduce: ({ id }, { address: from }) => `kind: HostnameConfig # ${id} ${from}\n`,
  })
  await ask()
  door.desk.introduce(uuid)
  door.desk.approve(code, secret)
  expect(await ask()).toMatchObject({ status: 200, body: `kind: HostnameConfig # ${uuid} ${machine}\n` })
})

test('so many are held, of one address and in all; who comes next is answered at once', async () => {
  await serve({ limits: { held: 3, heldPerAddress: 2 } })
  await ask()
  await ask(query, other)
  const waiting = [ask(), ask()]
  await held(2)
  expect((await ask()).status).toBe(503)
  waiting.push(ask(query, other))
  await held(3)
  expect((await ask(query, other)).status).toBe(503)
  expect(door.held()).toBe(3)
  door.desk.reject(uuid)
  for (const one of waiting) expect((await one).body).toBe('rejected')
})

test('where all places are taken, a machine that is known has that of the stranger who came first', async () => {
  await serve({ limits: { held: 2, heldPerAddress: 2 } })
  const strangers = [1, 2, 3].map((n) => ({ id: uuid.replace(/6$/, String(n)), from: `127.0.168.3${n}` }))
  const asks = ({ id, from }: { readonly id: string; readonly from: string }) => ask(`uuid=${id}`, from)
  // Each has its code on its console first.
  await ask()
  for (const one of strangers) await asks(one)
  const [first, second, third] = strangers
  const begun = asks(first!)
  await held(1)
  const later = asks(second!)
  await held(2)
  expect((await asks(third!)).body).toMatch(/^pending/)
  door.desk.know(uuid)
  const known = ask()
  expect((await begun).body).toMatch(/^pending/)
  door.desk.approve(code, secret)
  expect(await known).toMatchObject({ status: 200, body: secret })
  expect(door.held()).toBe(1)
  door.desk.reject(second!.id)
  expect((await later).body).toBe('rejected')
})

describe('whatever else is asked leads nowhere', () => {
  const lines = (line: string, more = '') => `${line}\r\nHost: caretaker\r\n${more}Connection: close\r\n\r\n`
  test.each([
    { name: 'the root', bytes: lines('GET / HTTP/1.1'), status: 404 },
    { name: 'a folder', bytes: lines('GET /config/ HTTP/1.1'), status: 404 },
    { name: 'a file', bytes: lines('GET /../state/machine-secrets.yaml HTTP/1.1'), status: 404 },
    { name: 'another method', bytes: lines('DELETE /config HTTP/1.1'), status: 405 },
    { name: 'a head', bytes: lines('HEAD /config HTTP/1.1'), status: 405 },
    { name: 'HTTP/1.0', bytes: lines('GET /config HTTP/1.0'), status: 505 },
    { name: 'HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 0 },
    { name: 'an absolute URL', bytes: lines('GET http://caretaker/config HTTP/1.1'), status: 404 },
    { name: 'no HTTP', bytes: '\u0000\u0001\u0002', status: 0 },
    { name: 'a head that is too long', bytes: lines('GET /config HTTP/1.1', `x: ${'y'.repeat(9_000)}\r\n`), status: 0 },
  ])('$name', async ({ bytes, status }) => {
    await serve({ limits: { requestWithin: 200 } })
    expect(await sendRaw(address, bytes, { from: machine })).toMatchObject({ status })
    expect(door.desk.asked).toEqual([])
  })

  test('a second request by one connection', async () => {
    await serve()
    const two = configRequest(query).replace('Connection: close\r\n', '')
    const answer = await sendRaw(address, two + two + two, { from: machine })
    expect(answer.status).toBe(503)
    expect(door.desk.asked).toHaveLength(1)
  })
})

test('who is not in an allowed network gets no byte, and it is told once', async () => {
  await serve({ allow: ['127.0.168.20/32'] })
  for (let count = 0; count < 3; count += 1) {
    const answer = await ask(query, other).catch(() => undefined)
    expect(answer?.headers ?? '').toBe('')
  }
  expect((await ask()).status).toBe(503)
  expect(door.notes).toEqual([`${other} is unwanted: stranger`])
  door.pass(600_000)
})

test('where all places are taken, who has said nothing for longest makes room', async () => {
  await serve({ limits: { connections: 3, perAddress: 3 } })
  const silent = Array.from({ length: 3 }, () => connect({ host: address, port, localAddress: other }))
  const closed = new Set<number>()
  for (const [index, socket] of silent.entries()) {
    socket.on('error', () => {})
    socket.on('close', () => closed.add(index))
    await new Promise((resolve) => socket.once('connect', resolve))
  }
  expect((await ask()).status).toBe(503)
  await expect.poll(() => [...closed]).toEqual([0])
  for (const socket of silent) socket.destroy()
})
