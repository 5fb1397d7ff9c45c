import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openDesk, worker } from '../../operations/provision/at-desk.ts'
import { createRandom, type Random } from '../../core/random.ts'
import { askWithoutEnd } from '../../lab/many-requests.ts'
import { configRequest, formRequest, port, type RawAnswer, sendRaw, serveMachines, type TestDoor } from './door.ts'

const address = '127.0.171.2'
const uuid = '30313436-3631-4d32-3130-343430315836'
const query = `mac=52%3A54%3A00%3A12%3A34%3A56&uuid=${uuid}`
/** In what the desk's renderer makes. */
const secret = 'canary-7f3a'
/** `SEEDS=25` sends ten thousand requests. */
const count = 400 * Number(process.env['SEEDS'] ?? 1)

let door: TestDoor
afterEach(() => door[Symbol.asyncDispose]())

/** What somebody sends who has no business here: guesses, copies, noise, and what was seen on the wire. */
function attackOf({ below, pick }: Random, index: number): string {
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  const someone = `uuid=${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}&mac=02%3A00%3A00%3A00%3A00%3A${hex(2)}`
  const grant = 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code'
  return pick([
    () => configRequest(query),
    () => configRequest(someone),
    () => configRequest(`${query}&uuid=${hex(8)}`),
    () => configRequest(query, { token: hex(64) }),
    () => configRequest(query, { token: `${Buffer.from(`{"a":"${address}"}`).toString('base64url')}.${hex(43)}` }),
    () => formRequest('/device/code', `client_id=x&${query}`),
    () => formRequest('/device/code', `client_id=x&${someone}`),
    () => formRequest('/token', `${grant}&device_code=${hex(80)}`),
    () => formRequest('/token', `${grant}&device_code=${hex(40)}.${hex(43)}`),
    () => configRequest(someone).replace('GET /config', `GET /${hex(6)}`),
    () => `${hex(200)}\r\n\r\n`,
    () => configRequest(someone).slice(0, 20 + (index % 60)),
  ])()
}

test('whatever strangers send, they get no byte of a configuration, and the machine that is meant gets all of it', async () => {
  // The machine is held, and so are as many strangers as may be.
  const { desk } = openDesk()
  door = await serveMachines(address, { limits: { hold: 60_000, requestWithin: 2_000 }, desk })
  const machine = '127.0.171.30'
  const ask = () => sendRaw(address, configRequest(query), { from: machine })
  const { body } = await ask()
  const held = ask()
  await expect.poll(() => door.held()).toBe(1)
  const random = createRandom(Number(process.env['SEED'] ?? 18))
  const gone = new AbortController()
  const answers: Promise<RawAnswer | undefined>[] = []
  for (let index = 0; index < count; index += 1) {
    const from = `127.0.171.${100 + random.below(100)}`
    answers.push(sendRaw(address, attackOf(random, index), { from, signal: gone.signal }).catch(() => undefined))
    // As many at a time as one address may have.
    if (index % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20))
    // In the middle of it somebody decides.
    if (index === Math.floor(count / 2))
      desk.approve({ id: uuid, code: body.replace('pending: ', ''), order: worker, by: 'admin' })
  }
  expect(await held).toMatchObject({ status: 200, body: expect.stringContaining(secret) })
  await expect.poll(() => desk.get(uuid)).toMatchObject({ state: 'delivered', delivery: { isWhole: true } })
  // What only asks is bounded.
  expect(desk.machines().length).toBeLessThanOrEqual(65)
  gone.abort()
  const heard = await Promise.all(answers)
  const good = heard.flatMap((answer) => (answer?.status === 200 ? [answer.body] : []))
  // A code that a person would have to let in is all that anybody gets.
  for (const text of good) expect(Object.keys(JSON.parse(text) as object)).toContain('device_code')
  expect(JSON.stringify(heard)).not.toContain(secret)
  expect(door.notes.join('\n')).not.toContain(secret)
  desk[Symbol.dispose]()
})

test('one address that opens connections without end is hung up on, and no other one waits for it', async () => {
  door = await serveMachines(address, { limits: { burst: 20, perSecond: 1, perAddress: 8 } })
  const from = '127.0.171.40'
  let refused = 0
  const sockets = Array.from({ length: 100 }, () => {
    const socket = connect({ host: address, port, localAddress: from })
    socket.on('error', () => {})
    socket.on('close', () => (refused += 1))
    return socket
  })
  await expect.poll(() => refused).toBeGreaterThanOrEqual(92)
  expect((await sendRaw(address, configRequest(query), { from: '127.0.171.41' })).status).toBe(503)
  expect(door.notes).toEqual([`${from} is unwanted: too-many`])
  for (const socket of sockets) socket.destroy()
})

test('what all addresses together may cost is bounded, and comes back with time', async () => {
  door = await serveMachines(address, { limits: { allBurst: 5, allPerSecond: 1 }, expected: '127.0.171.58' })
  const ask = (from: number) =>
    sendRaw(address, configRequest(''), { from: `127.0.171.${from}` }).then(
      ({ status }) => status,
      () => 0,
    )
  for (let from = 50; from < 55; from += 1) expect(await ask(from)).toBe(503)
  expect(await ask(56)).toBe(0)
  // For this one something is approved.
  expect(await ask(58)).toBe(503)
  door.pass(2_000)
  expect(await ask(57)).toBe(503)
})

test('one address that asks without end is hung up on, and comes back with time', async () => {
  door = await serveMachines(address, { limits: { burst: 3, perSecond: 1 } })
  const ask = () =>
    sendRaw(address, configRequest(''), { from: '127.0.171.59' }).then(
      ({ status }) => status,
      () => 0,
    )
  expect([await ask(), await ask(), await ask(), await ask()]).toEqual([503, 503, 503, 0])
  door.pass(1_500)
  expect(await ask()).toBe(503)
})

test('whoever asks without end on one connection is hung up on in the middle of a read', async () => {
  door = await serveMachines(address)
  const asked = { host: address, port, from: '127.0.171.90', request: 'GET /token HTTP/1.1\r\nHost: nas\r\n\r\n' }
  expect(await askWithoutEnd(asked)).toBeLessThan(20)
})
