import { expect, test } from 'vitest'
import { asked } from '../../fakes/person.ts'
import { address, asks, mac, uuid } from '../../fakes/machines.ts'
import { openRequests } from './at-requests.ts'

test('who asks again long after the approval has run out is told so, and what to do', async () => {
  const it = openRequests()
  // Talos' gaps grow: after twelve tries the next comes in more than half an hour.
  for (const gap of [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1_023, 2_047]) {
    it.desk.ask(asks())
    it.passes((gap + 150) * 1_000)
  }
  it.desk.ask(asks())
  it.passes(600_000)
  expect(it.requests.find({ machine: mac }).asksBy).toBe(new Date(it.now().getTime() + 3_650_000).toISOString())
  expect((await it.approve()).said).toContain(
    'once and within 30 min; it asked 10 min ago, and asks again within 1 h 1 min; restarted, it asks at once. Left alone it may come too late: restart it now',
  )
  expect(it.requests.find({ machine: mac }).said).toContain('asks again within')
  // It was restarted.
  it.desk.ask(asks())
  expect(it.requests.find({ machine: mac }).said).not.toContain('asks again')
})

test('of many that claim to be one machine a person keeps the place for the one that it is', async () => {
  const it = openRequests()
  for (let host = 100; host < 108; host += 1) it.desk.ask(asks({ address: `192.168.0.${host}` }))
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'refuse', text: 'too many ask' })
  expect(it.requests.list()[0]!.next).toContain(`reject ${uuid} --all-but ADDRESS`)
  await expect(it.requests.reject({ machine: uuid, allBut: 'here' }, asked())).rejects.toMatchObject({
    code: 'misconfigured',
  })
  await it.requests.reject({ machine: uuid, allBut: address }, asked())
  expect(it.desk.ask(asks({ address: '192.168.0.100' }))).toMatchObject({ kind: 'refuse', text: 'too many ask' })
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
  await it.approve({ machine: it.code() })
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'deliver' })
})

test('of one that has its configuration nothing is left to reject, and forgetting it says what that leads to', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  await it.approve({ name: 'worker-2' })
  const transfer = await it.desk.take(asks())
  it.passes(3_000)
  expect(await it.requests.reject({ machine: 'worker-2' }, asked())).toEqual({
    said: 'worker-2 asks for nothing that could be rejected. Its configuration began to leave 3 s ago, and the end was not seen: to keep it out, switch it off',
    changed: false,
  })
  transfer.cut('its connection broke')
  it.desk.ask(asks())
  expect(it.requests.find({ machine: 'worker-2' }).said).toContain(
    'It asks again: what it was sent did not all arrive, it was reset, or somebody pretends to be it',
  )
  expect(await it.told()).toContainEqual(
    expect.stringContaining('worker-2 was being sent its configuration and asks for its configuration again'),
  )
  expect((await it.requests.forget({ machine: 'worker-2' }, asked())).said).toBe(
    'worker-2 is forgotten: if it asks again it is new. It may have its configuration: if it joins the cluster, it is in no inventory',
  )
})

test('whoever is rejected by the code is rejected alone, and the machine goes on', async () => {
  const it = openRequests()
  it.desk.ask(asks({ address: '192.168.0.66' }))
  const rival = it.code()
  it.desk.ask(asks())
  expect((await it.requests.reject({ machine: rival, reason: 'not ours' }, asked())).said).toBe(
    `${mac} at 192.168.0.66, code ${rival}, does not get its configuration: not ours`,
  )
  expect(it.desk.ask(asks({ address: '192.168.0.66' })).kind).toBe('refuse')
  await it.approve({ machine: mac })
  expect(it.desk.ask(asks()).kind).toBe('deliver')
})

test('what two machines are known by names neither of them', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  it.desk.ask(asks({ address: '192.168.0.22', claim: { uuid: undefined, mac: '02:00:00:00:00:09' } }))
  for (const request of [
    () => it.approve({ machine: 'SN-1' }),
    () => it.requests.reject({ machine: 'SN-1' }, asked()),
    () => it.requests.forget({ machine: 'SN-1' }, asked()),
  ])
    await expect(request()).rejects.toMatchObject({
      code: 'misconfigured',
      message: `SN-1 may be 02:00:00:00:00:09 or ${uuid}: name it by its UUID or its code`,
    })
  expect(it.desk.machines()).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
})

test('the beginning of what a machine is known by names none', async () => {
  const it = openRequests()
  it.desk.ask(asks())
  for (const machine of ['52:54:00', '5254-0012', uuid.slice(0, 8).toUpperCase(), it.code().slice(0, 5)])
    await expect(it.approve({ machine })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/ is where .* begins: name it whole$/),
    })
  await expect(it.approve({ machine: '52:' })).rejects.toMatchObject({
    message: expect.stringMatching(/no machine 52:/),
  })
  expect(it.desk.machines()).toMatchObject([{ state: 'pending' }])
})

test('an IPv6 address is the same however it is written', async () => {
  const it = openRequests()
  for (let host = 100; host < 108; host += 1) it.desk.ask(asks({ address: `192.168.0.${host}` }))
  await it.requests.reject({ machine: uuid, allBut: 'FD00:0:0::0021' }, asked())
  expect(it.desk.ask(asks({ address: 'fd00::21' }))).toMatchObject({ kind: 'wait' })
})

const waits = (it: ReturnType<typeof openRequests>, fingerprint: string) =>
  it.room.seen(uuid, address, {
    fingerprint,
    version: 'v1.14.1',
    uuid,
    serial: undefined,
    stage: 'maintenance',
    hostname: undefined,
    maker: undefined,
    product: undefined,
    macs: [mac],
    disks: [],
  })

test('a machine in maintenance is approved by the key that a person has seen, and by no other', async () => {
  const it = openRequests()
  it.renderer.written = [{ name: 'worker-2', role: 'worker', way: 'maintenance' }]
  it.desk.ask(asks())
  await expect(it.approve()).rejects.toMatchObject({ message: expect.stringMatching(/its key was not seen yet/) })
  waits(it, 'KEY-2')
  await expect(it.approve({ fingerprint: 'KEY-1' })).rejects.toMatchObject({
    message: expect.stringMatching(/has changed: compare its console with KEY-2/),
  })
  await it.approve({ fingerprint: 'KEY-2' })
  expect(it.desk.machines()[0]!.approval).toMatchObject({ fingerprint: 'KEY-2' })
})

test('a machine that was restarted in its device flow is approved by its new code', async () => {
  const it = openRequests()
  it.desk.ask(asks({ way: 'device-flow', flow: 'one' }))
  await it.approve({ machine: it.code() })
  it.desk.ask(asks({ way: 'device-flow', flow: 'two' }))
  const code = it.code()
  await expect(it.approve({ machine: code })).rejects.toMatchObject({
    message: expect.stringMatching(/reject it first/),
  })
  it.passes(60_000)
  it.desk.ask(asks({ way: 'device-flow', flow: 'two' }))
  await it.approve({ machine: code })
  expect(it.desk.ask(asks({ way: 'device-flow', flow: 'two' }))).toMatchObject({ kind: 'deliver' })
})
