import { expect, onTestFinished, test } from 'vitest'
import type { Press, PressAnswer } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/telegram/channel.ts'
import { config, type TelegramConfig } from '../../../../../src/services/notifications/channels/telegram/config.ts'
import { telegramRefuses, TelegramError, tooMany } from '../../../../lab/notify/telegram-refusals.ts'
import { startTelegram, type TelegramUser } from '../../../../lab/notify/telegram.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'
import { patience } from '../../../../patience.ts'

const token = '123456789:AAcanary-canary_canary0123456789ab'
const family = -987_654
const strangers = -555
const alice: TelegramUser = { id: 4_242, first_name: 'Alice', username: 'alice' }
const bob: TelegramUser = { id: 4_243, first_name: 'Bob\u202e\nB.' }

interface Case {
  readonly config?: Partial<TelegramConfig>
  readonly press?: (press: Press) => Promise<PressAnswer>
}

async function lab({ config: more = {}, press: own }: Case = {}) {
  const telegram = await startTelegram({
    address: '127.0.201.7',
    token,
    burst: 1_000,
    chats: [
      { id: family, type: 'group' },
      { id: strangers, type: 'group' },
      { id: -100_555, type: 'supergroup', username: 'Homelab_Alerts' },
    ],
  })
  onTestFinished(() => telegram[Symbol.asyncDispose]())
  const pressed: Press[] = []
  const used = new Set<string>()
  const once = async ({ token: one }: Press): Promise<PressAnswer> => {
    if (used.has(one)) return { done: false, said: 'this button was used already' }
    used.add(one)
    return { done: true, said: 'the shutdown is cancelled' }
  }
  const press = (one: Press) => {
    pressed.push(one)
    return (own ?? once)(one)
  }
  const settings = { type: 'telegram', server: telegram.url, token: { file: 'token' }, chat: family, ...more }
  const start = async () => {
    const means = meansWith({ token })
    const channel = await open(config.parse(settings), means)
    const stop = new AbortController()
    const ended = channel.listen!(press, stop.signal)
    const end = async () => {
      stop.abort()
      await ended
    }
    onTestFinished(end)
    return { means, channel, end }
  }
  return { telegram, pressed, start }
}

/** A message of ours with a button, and Caretaker listening. */
async function listening(options: Case = {}) {
  const it = await lab(options)
  const started = await it.start()
  await started.channel.send(messageWith({ buttons: [buttonWith()] }), new AbortController().signal)
  await expect.poll(() => it.telegram.updates.isAsked, patience).toBe(true)
  const message = it.telegram.messages[0]!
  const answered = async (query: string) => {
    await expect.poll(() => it.telegram.answers.has(query), patience).toBe(true)
    return it.telegram.answers.get(query)
  }
  return {
    ...it,
    ...started,
    message,
    press: (from = alice) => answered(it.telegram.press(message, 'Cancel shutdown', from)),
  }
}

test('a button that is pressed is done, and answered to whoever pressed it', async () => {
  const { press, pressed } = await listening()
  expect(await press()).toEqual({ text: 'the shutdown is cancelled', alert: false })
  expect(pressed).toEqual([{ token: buttonWith().token, who: '@alice' }])
})

test('a second press is answered too, so that nobody waits for it', async () => {
  const { press } = await listening()
  await press()
  expect(await press(bob)).toEqual({ text: 'this button was used already', alert: true })
})

test('who has no name of their own is known by number, without what could hide in it', async () => {
  const { press, pressed } = await listening()
  await press(bob)
  expect(pressed[0]!.who).toBe('Bob B. (4243)')
})

test('only those who may press do anything', async () => {
  const { press, pressed } = await listening({ config: { users: [alice.id] } })
  expect(await press(bob)).toMatchObject({ alert: true, text: expect.stringMatching(/may not/) })
  expect(pressed).toEqual([])
  expect(await press(alice)).toMatchObject({ alert: false })
})

test('a button in another chat does nothing', async () => {
  const { telegram, message, pressed } = await listening()
  const query = telegram.press({ ...message, chat: telegram.chat(strangers) }, 'Cancel shutdown', alice)
  await expect.poll(() => telegram.answers.get(query)?.text, patience).toMatch(/chat/)
  expect(pressed).toEqual([])
})

test('a button in a chat that is known by its name does what it says', async () => {
  const { press } = await listening({ config: { chat: '@homelab_alerts' } })
  expect(await press()).toMatchObject({ alert: false })
})

test('many presses of long messages at once are all heard', async () => {
  const { telegram, start, pressed } = await lab()
  const first = await start()
  await first.channel.send(
    messageWith({ text: 'ż'.repeat(9_000), buttons: [buttonWith()] }),
    new AbortController().signal,
  )
  await first.end()
  for (let count = 0; count < 12; count += 1) telegram.press(telegram.messages[0]!, 'Cancel shutdown', alice)
  await start()
  await expect.poll(() => pressed.length, patience).toBe(12)
  await expect.poll(() => telegram.answers.size, patience).toBe(12)
})

test.each([
  { what: 'no token', data: 'two words' },
  { what: 'nothing', data: undefined },
  { what: 'a number', data: 5 },
])('a query with $what is answered, and not looked at', async ({ data }) => {
  const { telegram, pressed } = await listening()
  telegram.updates.add({ callback_query: { id: '1', from: alice, message: { chat: { id: family } }, data } })
  await expect.poll(() => telegram.answers.get('1')?.text, patience).toMatch(/not known/)
  expect(pressed).toEqual([])
})

test('what people write in the chat is not asked for, and what is odd is passed over', async () => {
  const { telegram, press } = await listening()
  expect(telegram.updates.allowed).toEqual(['callback_query'])
  telegram.updates.add({ message: { text: 'hello' } })
  telegram.updates.add({ callback_query: 'odd' })
  expect(await press()).toMatchObject({ alert: false })
})

test('a press that fails is answered, and the next one is heard', async () => {
  let first = true
  const { press, means } = await listening({
    press: async () => {
      if (!first) return { done: true, said: 'done '.repeat(100) }
      first = false
      throw new Error('the journal is away')
    },
  })
  expect(await press()).toMatchObject({ alert: true, text: expect.stringMatching(/failed/) })
  expect(means.lines).toContainEqual(expect.stringMatching(/^warn .*the journal is away/))
  expect((await press())!.text).toHaveLength(200)
})

test('what was pressed while Caretaker was away is done when it is back, and not done again after a restart', async () => {
  const { telegram, start, pressed } = await lab()
  const first = await start()
  await first.channel.send(messageWith({ buttons: [buttonWith()] }), new AbortController().signal)
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  await first.end()
  const query = telegram.press(telegram.messages[0]!, 'Cancel shutdown', alice)
  const second = await start()
  await expect.poll(() => telegram.answers.has(query), patience).toBe(true)
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  await second.end()
  await start()
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  expect(pressed).toHaveLength(1)
})

test('an answer that comes too late costs nothing', async () => {
  const late = [telegramRefuses(new TelegramError(400, 'query is too old'))]
  const { telegram, means, message, press } = await listening({
    press: async () => {
      telegram.faults.next.push(...late.splice(0))
      return { done: true, said: 'done' }
    },
  })
  telegram.press(message, 'Cancel shutdown', alice)
  await expect.poll(() => means.lines.filter((line) => line.includes('query is too old')), patience).toHaveLength(1)
  expect(await press()).toEqual({ text: 'done', alert: false })
  expect(means.lines.filter((line) => line.startsWith('warn'))).toEqual([])
})

test('a webhook that takes the presses is reported, with what to do, until it is gone', async () => {
  const { telegram, start } = await lab()
  telegram.updates.webhook = true
  const { means } = await start()
  await expect.poll(() => means.faults[0], patience).toMatch(/webhook is active.*a bot of its own/)
  expect(means.faults[0]).not.toMatch(/canary/)
  telegram.updates.webhook = false
  await expect.poll(() => means.faults.at(-1), patience).toBe(undefined)
})

test('a second Caretaker with the same bot is reported by the first', async () => {
  const { telegram, start } = await lab()
  const first = await start()
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  await start()
  await expect
    .poll(() => first.means.faults.find((why) => why !== undefined), patience)
    .toMatch(/only one bot instance.*a bot of its own/)
})

test('a limit on asking is kept', async () => {
  const { telegram, start } = await lab()
  telegram.faults.next.push(telegramRefuses(tooMany(17)))
  const { means } = await start()
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  expect(means.waits).toEqual([17_000])
  expect(means.faults.filter((why) => why !== undefined)).toEqual([])
})

test('a server that answers at once, though asked to wait, is not asked without end', async () => {
  const { telegram, start } = await lab()
  const empty = { status: 200, body: { ok: true, result: [] } }
  telegram.faults.next.push(empty, empty, empty)
  const { means } = await start()
  await expect.poll(() => telegram.updates.isAsked, patience).toBe(true)
  expect(means.waits).toEqual([1_000, 1_000])
})
