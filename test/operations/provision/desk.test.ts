import { expect, test } from 'vitest'
import { machineKind } from '../../../src/core/provision/machine.ts'
import { address, asks, mac, uuid } from '../../fakes/machines.ts'
import { openDesk, worker } from './at-desk.ts'
import { soon } from '../../patience.ts'

const minute = 60_000
const other = '192.168.0.99'

test('a machine that nobody has approved waits, and its console shows a code that stays', () => {
  const it = openDesk()
  const first = it.desk.ask(asks())
  expect(first).toMatchObject({ kind: 'wait', id: uuid, text: expect.stringMatching(/^pending: [B-Z]{4}-[B-Z]{4}$/) })
  it.passes(3 * minute)
  expect(it.desk.ask(asks())).toEqual(first)
  expect(it.desk.machines()).toMatchObject([{ state: 'pending', claimants: [{ asked: 2 }] }])
})

test('every ten minutes the console shows the code again, in 32 bytes', () => {
  const it = openDesk()
  const texts = [0, 10, 20].map((minutes) => {
    const answer = it.desk.ask(asks())
    it.passes(10 * minute)
    return { minutes, text: answer.kind === 'wait' ? answer.text.slice(18) : '' }
  })
  expect(texts.map(({ text }) => text)).toEqual(['', ' #2', ' #3'])
  it.passes(365 * 24 * 60 * minute)
  const late = it.desk.ask(asks())
  expect(late.kind === 'wait' && Buffer.byteLength(late.text)).toBeLessThanOrEqual(32)
})

test('whoever says neither UUID nor MAC address is nobody', () => {
  const it = openDesk()
  expect(it.desk.ask(asks({ claim: { uuid: undefined, mac: undefined } }))).toEqual({
    kind: 'refuse',
    text: 'no uuid and no mac address',
  })
  expect(it.desk.machines()).toEqual([])
})

test('what is approved is on the disk as taken before it leaves, and is taken once', async () => {
  const it = openDesk()
  const { id } = it.approves()
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'deliver', id })
  const taken = await it.desk.take(asks())
  expect(it.journal.records(machineKind).get(id)).toMatchObject({
    state: 'delivering',
    order: worker,
    delivery: { address, isWhole: false, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })
  expect(it.journal.records(machineKind).get(id)).not.toHaveProperty('approval')
  expect(taken.text).toContain('canary-7f3a')
  taken.sent()
  expect(it.desk.machines()).toMatchObject([{ state: 'delivered', delivery: { isWhole: true } }])
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'rejected' })
})

test('two requests at once for what was approved are one delivery', async () => {
  const it = openDesk()
  it.approves()
  const both = await Promise.allSettled([it.desk.take(asks()), it.desk.take(asks())])
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(it.renderer.rendered).toBe(1)
})

test('a machine that had its configuration and asks again waits under another code, and a person hears of it', async () => {
  const it = openDesk()
  const { code } = it.approves()
  ;(await it.desk.take(asks())).sent()
  it.passes(minute)
  const again = it.desk.ask(asks())
  expect(again.kind).toBe('wait')
  expect(again).not.toMatchObject({ code })
  expect(await it.told()).toMatchObject([
    expect.stringMatching(/^provision.again:\S+ worker-2 was sent its configuration and asks .* again/),
  ])
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'rejected' })
})

test('a locked machine that was reset gets nothing without a new approval, and then gets it once more', async () => {
  const it = openDesk()
  const { id } = it.approves()
  ;(await it.desk.take(asks())).sent()
  it.desk.verified(id, { address, uuid })
  it.desk.joined(id)
  expect(it.desk.machines()).toMatchObject([{ state: 'locked', order: worker }])
  it.passes(90 * 24 * 60 * minute)
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
  it.approves()
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'deliver' })
  expect(await it.told()).toEqual([])
  ;(await it.desk.take(asks())).sent()
  expect(it.desk.machines()).toMatchObject([{ state: 'delivered' }])
})

test('an approval that has run out is worth nothing, and whoever held the machine hears of it', async () => {
  const it = openDesk()
  const { id } = it.approves()
  const changed = it.desk.changed(id, soon())
  it.passes(30 * minute)
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'rejected' })
  await changed
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
  expect(it.desk.machines()).toMatchObject([{ state: 'pending' }])
})

test('an approval does not outlive a clock that is put back', async () => {
  const it = openDesk()
  it.approves()
  it.passes(-60 * minute)
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'rejected' })
})

const impostors = [
  { name: 'from another address', question: asks({ address: other }) },
  { name: 'with another card', question: asks({ claim: { mac: '52:54:00:99:99:99' } }) },
  { name: 'without its card', question: asks({ claim: { mac: undefined } }) },
  { name: 'in another way', question: asks({ way: 'device-flow' }) },
]

test.for(impostors)('whoever asks $name gets nothing of what was approved', async ({ question }) => {
  const it = openDesk()
  it.approves()
  expect(it.desk.ask(question)).toMatchObject({ kind: 'wait' })
  await expect(it.desk.take(question)).rejects.toMatchObject({ code: 'rejected' })
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'deliver' })
  expect(await it.told()).toMatchObject([expect.stringContaining('claims to be it: that one gets nothing')])
})

test('a machine whose way is maintenance introduces itself by GET, whatever was approved', async () => {
  const it = openDesk()
  it.renderer.written = [{ name: 'worker-2', way: 'maintenance' }]
  const api = asks({ way: 'maintenance' })
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'introduce', hostname: 'worker-2' })
  it.approves(api)
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'introduce' })
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'rejected' })
  expect(it.desk.ask(api)).toMatchObject({ kind: 'deliver' })
  expect((await it.desk.take(api)).text).toContain('worker-2')
})

test('who was rejected is refused, and is new once it was forgotten', () => {
  const it = openDesk()
  const { id, code } = it.desk.ask(asks()) as { id: string; code: string }
  it.desk.reject({ id, code, reason: 'not ours' })
  expect(it.desk.ask(asks())).toEqual({ kind: 'refuse', id, text: 'rejected' })
  expect(it.desk.ask(asks({ address: other }))).toMatchObject({ kind: 'refuse' })
  it.desk.forget(id)
  const after = it.desk.ask(asks())
  expect(after.kind).toBe('wait')
  expect(after).not.toMatchObject({ code })
})

test('of two that claim one machine one is rejected, and the other one goes on', () => {
  const it = openDesk()
  const { id } = it.desk.ask(asks()) as { id: string }
  const { code } = it.desk.ask(asks({ address: other })) as { code: string }
  it.desk.reject({ id, code, reason: undefined })
  expect(it.desk.ask(asks({ address: other }))).toMatchObject({ kind: 'refuse' })
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
})

test('who is rejected while its configuration is made gets none', async () => {
  const it = openDesk()
  const { id } = it.approves()
  const rendering = Promise.withResolvers<void>()
  it.renderer.held = rendering.promise
  const taking = it.desk.take(asks())
  it.desk.reject({ id, reason: 'wrong machine' })
  rendering.resolve()
  await expect(taking).rejects.toMatchObject({ code: 'rejected' })
  expect(it.desk.machines()).toMatchObject([{ state: 'rejected' }])
})

test('what is approved anew while a configuration is made is not delivered with the old one', async () => {
  const it = openDesk()
  const { id } = it.approves()
  const rendering = Promise.withResolvers<void>()
  it.renderer.held = rendering.promise
  const taking = it.desk.take(asks())
  it.desk.reject({ id, reason: undefined })
  const { code } = it.desk.machines()[0]!.claimants[0]!
  it.desk.approve({ id, code, order: { ...worker, name: 'worker-7' }, by: 'admin' })
  rendering.resolve()
  await expect(taking).rejects.toMatchObject({ message: 'what was approved has changed' })
  expect((await it.desk.take(asks())).text).toContain('worker-7')
})

test('a configuration that can not be made leaves the approval standing, and a person hears why', async () => {
  const it = openDesk()
  it.approves()
  it.renderer.broken = 'no secrets bundle'
  await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'misconfigured' })
  expect(await it.told()).toMatchObject([expect.stringContaining('can not have its configuration: no secrets bundle')])
  it.renderer.broken = undefined
  expect((await it.desk.take(asks())).id).toBe(uuid)
  expect(await it.told()).toEqual([])
})

test('who hangs up while its configuration is made has not used up what was approved', async () => {
  const it = openDesk()
  it.approves()
  await expect(it.desk.take(asks(), { isGone: () => true })).rejects.toMatchObject({ code: 'not-now' })
  expect(it.desk.machines()).toMatchObject([{ state: 'approved' }])
  expect((await it.desk.take(asks())).id).toBe(uuid)
})

test('what was wrong with what was approved is over with it', async () => {
  const ends: readonly ((it: ReturnType<typeof openDesk>) => void)[] = [
    (it) => it.passes(31 * minute),
    (it) => it.desk.reject({ id: uuid, reason: 'not now' }),
    (it) => it.desk.keepFor(uuid, '192.168.0.99'),
  ]
  for (const end of ends) {
    const it = openDesk()
    it.approves()
    ;(await it.desk.take(asks())).sent()
    it.desk.verified(uuid, { address, uuid })
    it.desk.joined(uuid)
    it.approves()
    it.renderer.broken = 'no secrets bundle'
    await expect(it.desk.take(asks())).rejects.toMatchObject({ code: 'misconfigured' })
    expect((await it.told()).join()).toContain('no secrets bundle')
    end(it)
    expect((await it.told()).join()).not.toContain('no secrets bundle')
    expect(it.desk.machines()).toMatchObject([{ state: 'locked' }])
  }
})

test('a transfer that was cut off is not begun again by what was approved', async () => {
  const it = openDesk()
  it.approves()
  ;(await it.desk.take(asks())).cut('it hung up after 4 KiB')
  expect(it.desk.machines()).toMatchObject([{ state: 'delivering', trouble: 'it hung up after 4 KiB' }])
  expect(it.desk.ask(asks())).toMatchObject({ kind: 'wait' })
  expect(await it.told()).toMatchObject([
    expect.stringContaining('provision.again'),
    expect.stringContaining('may not have got its configuration: it hung up after 4 KiB'),
  ])
})

test('only the UUID that asked verifies it, and only what is verified has joined', async () => {
  const it = openDesk()
  const { id } = it.approves()
  it.desk.verified(id, { address, uuid })
  expect(it.desk.machines()).toMatchObject([{ state: 'approved' }])
  ;(await it.desk.take(asks())).sent()
  it.desk.verified(id, { address, uuid: '11111111-2222-4333-8444-555555555555' })
  it.desk.joined(id)
  expect(it.desk.machines()).toMatchObject([{ state: 'delivered' }])
  it.desk.verified(id, { address, uuid: uuid.toUpperCase() })
  it.desk.joined(id)
  expect(it.desk.machines()).toMatchObject([{ state: 'locked' }])
})

test('who was sent its configuration and is not heard of again is told of', async () => {
  const it = openDesk()
  it.approves()
  ;(await it.desk.take(asks())).sent()
  it.passes(44 * minute)
  expect(await it.told()).toEqual([])
  it.passes(minute)
  expect(await it.told()).toMatchObject([expect.stringContaining('does not answer as a node')])
})

test('whoever stops waiting for a change is let go', async () => {
  const it = openDesk()
  const { id } = it.desk.ask(asks()) as { id: string }
  await expect(it.desk.changed(id, AbortSignal.abort())).rejects.toMatchObject({ code: 'timed-out' })
  const changed = it.desk.changed(id, soon())
  it.approves()
  await changed
})

test('no secret is in the journal, the records or an alert', async () => {
  const it = openDesk()
  it.approves()
  ;(await it.desk.take(asks())).sent()
  it.desk.ask(asks())
  const seen = JSON.stringify([
    await it.told(),
    it.texts(),
    it.desk.machines(),
    it.journal.records(machineKind).newest(10),
  ])
  expect(seen).toContain('worker-2')
  expect(seen).not.toContain('canary')
})

test('what a machine may have done is in the journal, in words', async () => {
  const it = openDesk()
  it.approves()
  ;(await it.desk.take(asks())).sent()
  expect(it.texts()).toMatchObject([
    expect.stringMatching(new RegExp(`^${mac} at ${address} asks for its configuration, code `)),
    `worker-2 takes its configuration as worker worker-2, at ${address}; approved by admin`,
    'worker-2 was sent its whole configuration',
  ])
})
