import { expect, onTestFinished, test } from 'vitest'
import type { Press, PressAnswer } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/ntfy/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/ntfy/config.ts'
import { type LabNtfyOptions, startNtfy } from '../../../../lab/notify/ntfy.ts'
import { ntfyRefuses } from '../../../../lab/notify/ntfy-refusals.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'
import { patience } from '../../../../patience.ts'

const { token } = buttonWith()

interface Case extends LabNtfyOptions {
  /** Tokens that were used before. */
  readonly used?: readonly string[]
  /** Called before a press is answered. */
  readonly beforeAnswer?: (lab: Awaited<ReturnType<typeof startNtfy>>, press: Press) => void
}

/** A server with two topics, and Caretaker's tokens, which work once. */
async function lab({ used: before = [], beforeAnswer, ...options }: Case = {}) {
  const ntfy = await startNtfy({ address: '127.0.201.4', ...options })
  onTestFinished(() => ntfy[Symbol.asyncDispose]())
  const pressed: string[] = []
  const used = new Set(before)
  const press = async (one: Press): Promise<PressAnswer> => {
    expect(one.who).toBe(undefined)
    pressed.push(one.token)
    beforeAnswer?.(ntfy, one)
    if (used.has(one.token)) return { done: false, said: 'this button was used already' }
    used.add(one.token)
    return { done: true, said: 'the shutdown is cancelled' }
  }
  return {
    ntfy,
    pressed,
    publish: (text: string) => fetch(`${ntfy.url}/commands`, { method: 'POST', body: text }),
    answers: () => ntfy.messages.filter(({ topic }) => topic === 'home').map(({ message }) => message),
    /** Opens the channel, which listens to its end. */
    start: async () => {
      const means = meansWith()
      const settings = config.parse({ type: 'ntfy', server: ntfy.url, topic: 'home', commands: 'commands' })
      const channel = await open(settings, means)
      const stop = new AbortController()
      const ended = channel.listen!(press, stop.signal)
      const end = async () => {
        stop.abort()
        await ended
      }
      onTestFinished(end)
      return { means, channel, end }
    },
  }
}

async function listening(options: Case = {}) {
  const it = await lab(options)
  const started = await it.start()
  await expect.poll(() => it.ntfy.readers('commands'), patience).toBe(1)
  return { ...it, ...started }
}

/** The server restarts, and is asked in vain, while this happens. */
async function whileAway({ ntfy }: Awaited<ReturnType<typeof listening>>, happens: () => Promise<unknown>) {
  ntfy.faults.readersAway = true
  ntfy.cutReaders()
  await expect.poll(() => ntfy.readers('commands'), patience).toBe(0)
  await happens()
  ntfy.faults.readersAway = false
}

test('a button that is pressed on the phone is done, and answered quietly', async () => {
  const { ntfy, channel, means, pressed } = await listening()
  await channel.send(messageWith({ buttons: [buttonWith()] }), new AbortController().signal)
  await ntfy.press(ntfy.shown('home')[0]!, 'Cancel shutdown')
  await expect
    .poll(() => ntfy.shown('home'), patience)
    .toMatchObject([{ title: 'Done', message: 'the shutdown is cancelled', priority: 2 }])
  expect(pressed).toEqual([token])
  expect(means.lines).toEqual(['info phone: a button was pressed: the shutdown is cancelled'])
})

test('what is pressed while the connection is away is done once it is back, and once only', async () => {
  const it = await listening()
  await it.publish('first')
  await expect.poll(() => it.pressed, patience).toEqual(['first'])
  await whileAway(it, () => it.publish('second'))
  await expect.poll(() => it.pressed, patience).toEqual(['first', 'second'])
  await whileAway(it, async () => {})
  await it.publish('third')
  await expect.poll(() => it.pressed, patience).toEqual(['first', 'second', 'third'])
})

test('only what came after the last press is asked for, and what is told twice is done once', async () => {
  const it = await listening()
  await it.publish('first')
  await expect.poll(() => it.pressed, patience).toEqual(['first'])
  it.ntfy.faults.forgetsIds = true
  await whileAway(it, () => it.publish('second'))
  await expect.poll(() => it.pressed, patience).toEqual(['first', 'second'])
  const [first] = it.ntfy.messages
  const asked = it.ntfy.requests.filter(({ target }) => target.startsWith('/commands/json')).map(({ target }) => target)
  expect([asked.at(0), asked.at(-1)]).toEqual(['/commands/json?since=600s', `/commands/json?since=${first!.id}`])
})

test('what was pressed while Caretaker restarted is done, and what was done before it is not told again', async () => {
  let now = Date.parse('2026-11-26T02:00:00Z')
  const { pressed, publish, answers, start } = await lab({ used: ['used'], now: () => new Date(now) })
  await publish('used')
  await publish('fresh')
  now += 2_000
  await start()
  await expect.poll(answers, patience).toEqual(['the shutdown is cancelled'])
  expect(pressed).toEqual(['used', 'fresh'])
})

test('what was pressed more than ten minutes ago is not done, by the clock of the server', async () => {
  let now = Date.parse('2031-01-01T00:00:00Z')
  const it = await listening({ now: () => new Date(now) })
  await it.publish('first')
  await expect.poll(() => it.pressed, patience).toEqual(['first'])
  await whileAway(it, async () => {
    await it.publish('old')
    now += 601_000
    await it.publish('fresh')
  })
  await expect.poll(() => it.pressed, patience).toEqual(['first', 'fresh'])
})

test('lines of a server that are none of ours are passed over, and its clock is kept', async () => {
  let now = Date.parse('2031-01-01T00:00:00Z')
  const it = await listening({ now: () => new Date(now) })
  for (const odd of [
    'no JSON',
    '[]',
    '5',
    '{"event":"keepalive"}',
    '{"event":"message","id":5}',
    '{"event":"message"}',
  ])
    it.ntfy.say(odd)
  await it.publish('first')
  await expect.poll(() => it.pressed, patience).toEqual(['first'])
  now += 601_000
  it.ntfy.say(JSON.stringify({ event: 'keepalive', time: now / 1_000 }))
  it.ntfy.say(JSON.stringify({ event: 'message', id: 'late', time: now / 1_000 - 601, message: 'late' }))
  await it.publish('fresh')
  await expect.poll(() => it.pressed, patience).toEqual(['first', 'fresh'])
  expect(it.means.lines.filter((line) => line.startsWith('warn'))).toEqual([])
})

test('rubbish on the topic is not looked at, and a flood of made-up tokens gets one answer a minute', async () => {
  const { pressed, publish, answers } = await listening({ burst: 1_000, used: ['guess'] })
  for (const rubbish of ['', 'two words', 'x'.repeat(65), '{"token":"guess"}']) await publish(rubbish)
  for (let count = 0; count < 5; count += 1) await publish('guess')
  await publish('right')
  await expect.poll(answers, patience).toEqual(['this button was used already', 'the shutdown is cancelled'])
  expect(pressed.filter((one) => one !== 'triggered')).toEqual([...Array.from({ length: 5 }, () => 'guess'), 'right'])
})

test('a topic that may not be read is reported, and no longer once it may', async () => {
  let access: 'deny' | 'read-write' = 'deny'
  const { start, ntfy } = await lab({ anonymous: () => access, burst: 10_000 })
  const { means } = await start()
  await expect.poll(() => means.faults[0], patience).toMatch(/HTTP 403: forbidden/)
  expect(means.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1)
  access = 'read-write'
  await expect.poll(() => means.faults.at(-1), patience).toBe(undefined)
  expect(ntfy.readers('commands')).toBe(1)
})

test('a connection that breaks is not reported, and one that stays away is', async () => {
  const { means, ntfy } = await listening()
  // What was reported before a restart is settled.
  await expect.poll(() => means.faults, patience).toEqual([undefined])
  ntfy.cutReaders()
  await expect.poll(() => ntfy.readers('commands'), patience).toBe(1)
  expect(means.faults.filter((why) => why !== undefined)).toEqual([])
  await ntfy[Symbol.asyncDispose]()
  await expect.poll(() => means.faults.filter((why) => why !== undefined).length, patience).toBeGreaterThan(0)
  await expect.poll(() => means.waits.length, patience).toBeGreaterThan(12)
  expect(Math.max(...means.waits)).toBeLessThanOrEqual(60_000)
  expect(Math.max(...means.waits)).toBeGreaterThanOrEqual(30_000)
})

test('an answer that the server refuses does not keep the next button from being heard', async () => {
  const { means, pressed, publish } = await listening({
    beforeAnswer: ({ faults }, { token: one }) => {
      if (one === 'first') faults.next.push(ntfyRefuses(50001))
    },
  })
  await publish('first')
  await expect.poll(() => means.lines.filter((line) => line.startsWith('warn')), patience).toHaveLength(1)
  await publish('second')
  await expect.poll(() => pressed, patience).toEqual(['first', 'second'])
})

test('listening ends with its signal', async () => {
  const { ntfy, end } = await listening()
  await end()
  await expect.poll(() => ntfy.readers('commands'), patience).toBe(0)
})
