import { afterEach, expect, test } from 'vitest'
import {
  configRequest,
  formRequest,
  port,
  type RawAnswer,
  sendRaw,
  serveMachines,
  type TestDoor,
  type TestDoorOptions,
} from './door.ts'

const address = '127.0.169.1'
const uuid = '30313436-3631-4d32-3130-343430315836'
const query = `mac=52%3A54%3A00%3A12%3A34%3A56&uuid=${uuid}`
/** Talos' default URLs take the query of talos.config over as it stands. */
const rawQuery = 'mac=${mac}&uuid=${uuid}'
const [machine, thief] = ['127.0.169.20', '127.0.169.21']
const code = 'BBBB-BBBB'
const secret = 'kind: Config\ntoken: s3cr3t-0f-the-homelab\n'
const grant = 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code'
const basic = `Basic ${Buffer.from('caretaker:').toString('base64')}`

let door: TestDoor
const serve = async (options: TestDoorOptions = {}) => (door = await serveMachines(address, options))
afterEach(() => door[Symbol.asyncDispose]())

interface Begun {
  readonly device_code: string
  readonly user_code: string
}

async function begin(from = machine, form = `client_id=caretaker&${query}`): Promise<Begun> {
  const answer = await sendRaw(address, formRequest(`/device/code?${rawQuery}`, form), { from })
  expect(answer.status).toBe(200)
  return JSON.parse(answer.body) as Begun
}

/** Both requests of one poll: the client in a header, then in the form. */
async function poll({ device_code: device }: Begun, from = machine): Promise<readonly RawAnswer[]> {
  const form = `client_id=caretaker&device_code=${encodeURIComponent(device)}&${grant}&${query}`
  const first = await sendRaw(address, formRequest(`/token?${rawQuery}`, form, basic), { from })
  if (first.status === 200) return [first]
  return [first, await sendRaw(address, formRequest(`/token?${rawQuery}`, form), { from })]
}
const errorsOf = (answers: readonly RawAnswer[]) =>
  answers.map(({ status, body }) => `${status} ${(JSON.parse(body) as { error: string }).error}`)
async function tokenFor(begun: Begun, from = machine): Promise<string> {
  const [answer] = await poll(begun, from)
  return (JSON.parse(answer!.body) as { access_token: string }).access_token
}
const fetch = (token: string, from = machine, given = query) =>
  sendRaw(address, configRequest(given, { token }), { from })

test('a machine shows the code that a person compares, polls as Talos does, and gets its document with its token', async () => {
  await serve()
  const answer = await sendRaw(address, formRequest(`/device/code?${rawQuery}`, `client_id=caretaker&${query}`), {
    from: machine,
  })
  expect(JSON.parse(answer.body)).toMatchObject({
    user_code: code,
    verification_uri: `http://${address}:${port}/verify`,
    verification_uri_complete: `http://${address}:${port}/verify?user_code=${code}`,
    interval: 5,
  })
  const begun = JSON.parse(answer.body) as Begun & { expires_in: number }
  expect(begun.expires_in).toBeGreaterThanOrEqual(3 * 3_600)
  for (let count = 0; count < 3; count += 1) {
    expect(errorsOf(await poll(begun))).toEqual(['400 authorization_pending', '400 authorization_pending'])
    door.pass(5_000)
  }
  door.desk.approve(code, secret)
  const token = await tokenFor(begun)
  expect(await fetch(token)).toMatchObject({ status: 200, body: secret })
  expect(door.desk.asked[0]).toMatchObject({
    claim: { uuid, mac: '52:54:00:12:34:56' },
    address: machine,
    way: 'device-flow',
  })
  expect(door.told).toEqual([`${machine} pending`, `${machine} delivered`])
})

test('whoever polls more often than it was told to is told to slow down, both requests alike', async () => {
  await serve()
  const begun = await begin()
  await poll(begun)
  door.pass(2_000)
  expect(errorsOf(await poll(begun))).toEqual(['400 slow_down', '400 slow_down'])
  door.pass(5_000)
  expect(errorsOf(await poll(begun))).toEqual(['400 slow_down', '400 slow_down'])
  door.pass(15_000)
  expect(errorsOf(await poll(begun))).toEqual(['400 authorization_pending', '400 authorization_pending'])
})

test('a device code is of use at the address that it was given to, and nowhere else', async () => {
  await serve()
  const begun = await begin()
  door.desk.approve(code, secret)
  expect(errorsOf(await poll(begun, thief))).toEqual(['400 invalid_grant', '400 invalid_grant'])
  expect(door.notes).toEqual([`${thief} uses a device code that ${machine} was given`])
  expect(await fetch(await tokenFor(begun))).toMatchObject({ status: 200, body: secret })
})

test('neither is a token, nor for another machine', async () => {
  await serve()
  const begun = await begin()
  door.desk.approve(code, secret)
  const token = await tokenFor(begun)
  expect(await fetch(token, thief)).toMatchObject({ status: 401 })
  expect(await fetch(token, machine, 'uuid=11111111-3631-4d32-3130-343430315836')).toMatchObject({ status: 401 })
  expect(await fetch(begun.device_code)).toMatchObject({ status: 401, body: 'token not valid' })
  expect(await fetch(`${token.slice(0, -4)}AAAA`)).toMatchObject({ status: 401 })
  expect(door.desk.diary).toEqual([])
  expect(door.notes).toEqual([
    `${thief} uses a token that ${machine} was given`,
    `${machine} uses its token to ask for another machine`,
  ])
  expect((await fetch(token)).status).toBe(200)
})

test('who asks without a token gets nothing of what was approved by a code, from the same address as well', async () => {
  await serve({ limits: { hold: 40 } })
  await begin()
  door.desk.approve(code, secret)
  const answer = await sendRaw(address, configRequest(query), { from: machine })
  expect(answer).toMatchObject({ status: 503, body: 'pending: BBBB-BBBC' })
  expect((await sendRaw(address, configRequest(query), { from: machine })).status).toBe(503)
  expect(door.desk.diary).toEqual([])
})

test('a token that was used gets nothing by the same approval, and goes on with the next: Talos asks for no other one', async () => {
  await serve({ limits: { hold: 40 } })
  const begun = await begin()
  door.desk.approve(code, secret)
  const token = await tokenFor(begun)
  expect((await fetch(token)).status).toBe(200)
  expect(await fetch(token)).toMatchObject({ status: 503, body: `pending: ${code}` })
  door.desk.approve(code, 'kind: Second\n')
  expect(await fetch(token)).toMatchObject({ status: 200, body: 'kind: Second\n' })
})

test('a restart of ours leaves no machine with a code or a token that nobody knows', async () => {
  await serve()
  const before = await begin()
  const { desk } = door
  await door[Symbol.asyncDispose]()
  await serve({ desk })
  desk.approve(code, secret)
  expect((await fetch(await tokenFor(before))).status).toBe(200)
})

test('with another key nothing of before is good', async () => {
  await serve()
  const before = await begin()
  await door[Symbol.asyncDispose]()
  await serve({ key: Buffer.alloc(32, 8) })
  expect(errorsOf(await poll(before))).toEqual(['400 invalid_grant', '400 invalid_grant'])
})

test('a machine that is rejected is denied, and gets no new code', async () => {
  await serve()
  const begun = await begin()
  door.desk.reject(uuid)
  expect(errorsOf(await poll(begun))).toEqual(['400 access_denied', '400 access_denied'])
  const again = await sendRaw(address, formRequest('/device/code', `client_id=caretaker&${query}`), { from: machine })
  expect(again).toMatchObject({ status: 503, body: 'rejected' })
})

test('each flow has a code of its own: who takes the address of a machine shows another one, and gets nothing by its approval', async () => {
  await serve()
  const [own, pretender] = [await begin(), await begin()]
  expect([own.user_code, pretender.user_code]).toEqual(['BBBB-BBBB', 'BBBB-BBBC'])
  door.desk.approve('BBBB-BBBB', secret)
  expect(errorsOf(await poll(pretender))).toEqual(['400 authorization_pending', '400 authorization_pending'])
  expect(await fetch(await tokenFor(own))).toMatchObject({ status: 200, body: secret })
})

test('a poll makes nobody known', async () => {
  await serve()
  const begun = await begin()
  door.desk.forget(uuid)
  const asked = door.desk.asked.length
  expect(errorsOf(await poll(begun))).toEqual(['400 expired_token', '400 expired_token'])
  expect(door.desk.asked).toHaveLength(asked)
})

test('a code that has run out leads to a new one', async () => {
  await serve()
  const begun = await begin()
  door.pass(11_701_000)
  expect(errorsOf(await poll(begun))).toEqual(['400 expired_token', '400 expired_token'])
})

test('a machine that was forgotten begins anew, so that its console shows the code that counts', async () => {
  await serve()
  const begun = await begin()
  door.desk.forget(uuid)
  expect(errorsOf(await poll(begun))).toEqual(['400 expired_token', '400 expired_token'])
  expect((await begin()).user_code).toBe('BBBB-BBBC')
  door.desk.approve('BBBB-BBBC', secret)
  expect(errorsOf(await poll(begun))).toEqual(['400 expired_token', '400 expired_token'])
})

test('variables without a value are empty, and a machine without any is nobody', async () => {
  await serve()
  const answer = await sendRaw(address, formRequest(`/device/code?${rawQuery}`, 'client_id=caretaker&mac=&uuid='), {
    from: machine,
  })
  expect(answer).toMatchObject({ status: 503, body: 'no uuid and no mac address' })
})

test.each([
  { name: 'another grant', form: 'grant_type=password&username=a&password=b', error: 'unsupported_grant_type' },
  { name: 'no code', form: grant, error: 'invalid_grant' },
  { name: 'a code of somebody’s own making', form: `${grant}&device_code=eyJhIjoxfQ.AAAA`, error: 'invalid_grant' },
])('$name leads to no token', async ({ form, error }) => {
  await serve()
  const { body } = await sendRaw(address, formRequest('/token', form), { from: machine })
  expect(JSON.parse(body)).toEqual({ error })
})

test('a form that is too long is not read', async () => {
  await serve()
  const answer = await sendRaw(address, formRequest('/token', 'x'.repeat(5_000)), { from: machine })
  expect(answer.status).toBe(413)
})

test.each([
  {
    name: 'with a dashboard it leads there',
    dashboard: 'https://nas.lan:8420',
    shows: `https://nas.lan:8420/machines?code=${code}`,
  },
  { name: 'without one it says what to type', dashboard: undefined, shows: `caretaker machine approve ${code}` },
])('the page of a code: $name', async ({ dashboard, shows }) => {
  await serve(dashboard === undefined ? {} : { dashboard })
  const page = await globalThis.fetch(`http://${address}:${port}/verify?user_code=bbbbbbbb`)
  const text = await page.text()
  expect(text).toContain(shows)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('what is no code is not shown again', async () => {
  await serve({ dashboard: 'https://nas.lan:8420' })
  for (const given of ['%3Cscript%3Ealert(1)%3C/script%3E', 'AEIO-UAEI', '']) {
    const text = await (await globalThis.fetch(`http://${address}:${port}/verify?user_code=${given}`)).text()
    expect(text).toContain('That is no code')
    expect(text).not.toMatch(/alert|AEIO|nas\.lan/)
  }
  expect(await (await globalThis.fetch(`http://${address}:${port}/verify`)).text()).toContain('Which code')
})
