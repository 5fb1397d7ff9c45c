import { expect, onTestFinished, test } from 'vitest'
import { messageWith } from '../../outgoing-message.ts'
import { pushoverLab, secrets } from './lab.ts'
import { patience } from '../../../../patience.ts'

/** The channel with its looks at receipts going on. */
async function looking(...how: Parameters<typeof pushoverLab>) {
  const it = await pushoverLab(...how)
  const stop = new AbortController()
  const ended = it.channel.run!(stop.signal)
  const end = async () => {
    stop.abort()
    await ended
  }
  onTestFinished(end)
  const looks = (receipt = '') =>
    it.pushover.requests.filter(({ method, target }) => method === 'GET' && target.includes(receipt)).length
  /** Looks at another message go on, and none at this. */
  const isForgotten = async (receipt: string) => {
    const before = looks(receipt)
    const { ref } = await it.send({ thread: 'another' })
    await expect.poll(() => looks(ref), patience).toBeGreaterThan(3)
    return looks(receipt) === before
  }
  return { ...it, looks, isForgotten, end }
}

test('what is over is taken back before its end is told', async () => {
  const { pushover, send, update } = await pushoverLab()
  const { ref } = await send()
  await update(ref!, { kind: 'settled', title: 'home: mains power is back' })
  expect(pushover.ringing()).toEqual([])
  expect(pushover.messages.map(({ title }) => title)).toEqual([
    'home: the UPS rack is on battery',
    'home: mains power is back',
  ])
})

test('what is over is taken back by its thread too', async () => {
  const { pushover, send } = await pushoverLab()
  await send()
  await send({ thread: 'another', title: 'home: another matter' })
  await send({ kind: 'settled' })
  expect(pushover.ringing()).toEqual(['home: another matter'])
})

test('what is over is taken back after a restart too', async () => {
  const { pushover, send, start } = await pushoverLab()
  const { ref } = await send()
  const again = await start()
  await again.update!(ref!, messageWith({ kind: 'settled' }), new AbortController().signal)
  expect(pushover.ringing()).toEqual([])
})

test('the end is told though the first was confirmed and forgotten long ago', async () => {
  const { pushover, update } = await pushoverLab()
  await update('a'.repeat(30), { kind: 'settled' })
  expect(pushover.messages).toHaveLength(1)
})

test('it is not told that it is over while it is still shown: that is tried again', async () => {
  const { pushover, send, update } = await pushoverLab()
  const { ref } = await send()
  pushover.faults.next.push({ status: 500 })
  await expect(update(ref!, { kind: 'settled' })).rejects.toMatchObject({ code: 'not-now' })
  expect(pushover.messages).toHaveLength(1)
  await update(ref!, { kind: 'settled' })
  expect(pushover.ringing()).toEqual([])
})

test('news of the same are left out: they would be one more message', async () => {
  const { pushover, send, update } = await pushoverLab()
  const { ref } = await send()
  expect(await update(ref!, { kind: 'update', text: 'w-1 is down.' })).toEqual({ ref })
  expect(pushover.messages).toHaveLength(1)
})

test('a reminder takes the place of what is still shown', async () => {
  const { pushover, send, update } = await pushoverLab()
  await send()
  await send({ kind: 'reminder', title: 'home: still on battery' })
  expect(pushover.ringing()).toEqual(['home: still on battery'])
  await update(pushover.receipts.at(-1)!.id, { kind: 'alert', title: 'home: the battery is low' })
  expect(pushover.ringing()).toEqual(['home: the battery is low'])
})

test('a reminder is sent once, though what it replaces can not be taken back', async () => {
  const { pushover, means, send } = await pushoverLab()
  await send()
  pushover.faults.next.push({ path: '/cancel.json', status: 500 })
  await send({ kind: 'reminder', title: 'home: still on battery' })
  expect(pushover.messages).toHaveLength(2)
  expect(means.lines).toContainEqual(expect.stringMatching(/^warn phone: an earlier message is still shown/))
})

test('who has confirmed is in the log, by device and without their key', async () => {
  const { pushover, means, send, looks } = await looking()
  await send()
  await expect.poll(() => looks(), patience).toBeGreaterThan(1)
  pushover.confirm('alices-phone')
  await expect
    .poll(() => means.lines, patience)
    .toContain('info phone: home: the UPS rack is on battery: confirmed on alices-phone')
  expect(means.lines.join('\n')).not.toMatch(/canary/)
})

test('receipts are looked at every 10 s, and no longer once they are over', async () => {
  let now = Date.parse('2026-11-26T02:00:00Z')
  const { means, send, looks, isForgotten } = await looking({}, { now: () => new Date(now) })
  expect(means.waits).toEqual([])
  const { ref } = await send()
  await expect.poll(() => looks(), patience).toBeGreaterThan(2)
  now += 3_601_000
  await expect.poll(() => means.lines.at(-1), patience).toMatch(/nobody has confirmed it$/)
  expect(await isForgotten(ref!)).toBe(true)
  expect(new Set(means.waits)).toEqual(new Set([10_000]))
})

test('a look that fails is made again, and one that is refused for good is not', async () => {
  const { pushover, means, send, looks, isForgotten } = await looking()
  const { ref } = await send()
  pushover.faults.next.push({ status: 429, headers: { 'x-limit-app-reset': 'soon' } })
  await expect.poll(() => means.waits.includes(60_000), patience).toBe(true)
  await expect.poll(() => looks(), patience).toBeGreaterThan(2)
  pushover.faults.next.push({ status: 400, body: { status: 0, errors: [`receipt of ${secrets.token} not found`] } })
  await expect.poll(() => means.lines.at(-1), patience).toMatch(/receipt of … not found/)
  expect(await isForgotten(ref!)).toBe(true)
})

test('looking ends with its signal, whether or not there is something to look at', async () => {
  const idle = await looking()
  await idle.end()
  const busy = await looking()
  await busy.send()
  await busy.end()
  const before = busy.looks()
  await busy.send()
  expect(busy.looks()).toBe(before)
})
