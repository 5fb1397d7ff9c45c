import { afterEach, expect, test } from 'vitest'
import { openDesk, worker } from '../../operations/provision/at-desk.ts'
import { configRequest, formRequest, sendRaw, serveMachines, type TestDoor } from './door.ts'

/** The device flow before the desk that decides, where every machine that takes something has another code from then on. */
const address = '127.0.169.2'
const machine = '127.0.169.22'
const uuid = '30313436-3631-4d32-3130-343430315836'
const mac = '52:54:00:12:34:56'
const minute = 60_000
const grant = 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code'
const document = 'machine: { type: worker, token: canary-7f3a } # worker-2\n'

let door: TestDoor
async function serve() {
  const it = openDesk()
  door = await serveMachines(address, { desk: it.desk, limits: { hold: 40 } })
  return {
    ...it,
    approve: (code: string) => it.desk.approve({ id: uuid, code, order: worker, by: 'admin' }),
    codes: () => it.desk.get(uuid)!.claimants.map(({ code }) => code),
  }
}
afterEach(() => door[Symbol.asyncDispose]())

interface Begun {
  readonly device_code: string
  readonly user_code: string
}
const post = (path: string, form: string) => sendRaw(address, formRequest(path, form), { from: machine })
async function begin(said = `uuid=${uuid}&mac=${mac}`): Promise<Begun> {
  return JSON.parse((await post('/device/code', `client_id=caretaker&${said}`)).body) as Begun
}
async function poll({ device_code: device }: Begun): Promise<{ error?: string; access_token?: string }> {
  const { body } = await post('/token', `client_id=caretaker&device_code=${encodeURIComponent(device)}&${grant}`)
  return JSON.parse(body) as { error?: string; access_token?: string }
}
const take = (token: string, query = `uuid=${uuid}&mac=${mac}`) =>
  sendRaw(address, configRequest(query, { token }), { from: machine })

test('a flow is over with what it was approved for, and its token waits under another code', async () => {
  const it = await serve()
  const begun = await begin()
  expect(await poll(begun)).toEqual({ error: 'authorization_pending' })
  it.approve(begun.user_code)
  const { access_token: token } = await poll(begun)
  expect(await take(token!)).toMatchObject({ status: 200, body: document })
  // Its console shows a code that nobody can approve any more.
  expect(await poll(begun)).toEqual({ error: 'expired_token' })
  const [fresh] = it.codes()
  expect(fresh).not.toBe(begun.user_code)
  expect(await take(token!)).toMatchObject({ status: 503, body: `pending: ${fresh}` })
  expect(it.texts().filter((text) => text.includes('takes its configuration'))).toHaveLength(1)
  it.approve(fresh!)
  expect(await take(token!)).toMatchObject({ status: 200, body: document })
})

test('an approval that runs out after the token was given gives nothing', async () => {
  const it = await serve()
  const begun = await begin()
  it.approve(begun.user_code)
  const { access_token: token } = await poll(begun)
  it.passes(30 * minute)
  const answer = await take(token!)
  expect(answer.status).toBe(503)
  expect(answer.body).toContain(`pending: ${begun.user_code}`)
  expect(await poll(begun)).toEqual({ error: 'authorization_pending' })
  expect(it.renderer.rendered).toBe(0)
})

test('what is rejected after the token was given gets nothing', async () => {
  const it = await serve()
  const begun = await begin()
  it.approve(begun.user_code)
  const { access_token: token } = await poll(begun)
  it.desk.reject({ id: uuid, reason: undefined })
  expect(await take(token!)).toMatchObject({ status: 503, body: 'rejected' })
  expect(await poll(begun)).toEqual({ error: 'access_denied' })
  expect(it.renderer.rendered).toBe(0)
})

test('a flow of which nothing is known any more makes nobody known, though its machine is', async () => {
  const it = await serve()
  const before = await begin()
  it.desk.forget(uuid)
  const now = await begin()
  expect(await poll(before)).toEqual({ error: 'expired_token' })
  expect(it.codes()).toEqual([now.user_code])
})

test('a request that names two machines is of none', async () => {
  const it = await serve()
  const other = '11111111-3631-4d32-3130-343430315836'
  expect(await post(`/device/code?uuid=${other}`, `client_id=caretaker&uuid=${uuid}`)).toMatchObject({
    status: 503,
    body: 'two machines in one request',
  })
  expect(it.desk.machines()).toEqual([])
})

test('a token is that of the flow, whatever more its machine says when it comes with it', async () => {
  const it = await serve()
  const begun = await begin(`uuid=${uuid}`)
  it.approve(begun.user_code)
  const { access_token: token } = await poll(begun)
  expect(await take(token!, `uuid=${uuid}&mac=${mac}&hostname=nuc`)).toMatchObject({ status: 200, body: document })
})
