import { expect, onTestFinished, test, vi } from 'vitest'
import { startAgent } from '../../fakes/agent.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { asked, operatorOf } from '../../fakes/person.ts'
import { startNtfy } from '../../lab/notify/ntfy.ts'
import { startTelegram } from '../../lab/notify/telegram.ts'
import { notifier } from './notifier.ts'
import { patience } from '../../patience.ts'

const token = '123456789:AAcanary-canary_canary0123456789ab'
const family = -987_654
const alice = { id: 4_242, first_name: 'Alice', username: 'alice' }

/** A rollout that is stuck, which people may pause, told by this channel. */
async function stuckRollout(channel: object) {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const it = startAgent(homelab)
  const startedAt = '2026-11-26T10:00:00.000Z'
  homelab.ports.journal.saveRollout({ id: startedAt, startedAt, release: 'v1.13.9', nodes: {} })
  const { alerts, journal } = await notifier({
    homelab,
    it,
    settings: { channels: { phone: channel } },
    secret: () => token,
  })
  alerts.open('rollout.stuck', {
    severity: 'warning',
    subject: 'w-1',
    text: 'w-1 is stuck',
    offers: [{ do: 'pause', subject: 'v1.13.9' }],
  })
  const paused = async () => (await operatorOf(homelab, it).rollouts.status(asked().signal)).paused
  return { alerts, journal, paused }
}

async function bot() {
  const telegram = await startTelegram({ address: '127.0.201.9', token, chats: [{ id: family, type: 'group' }] })
  onTestFinished(() => telegram[Symbol.asyncDispose]())
  const channel = { type: 'telegram', server: telegram.url, token: { file: 'token' }, chat: family }
  return { telegram, channel }
}

test('a rollout is paused from ntfy, though nothing can reach Caretaker', async () => {
  const ntfy = await startNtfy({ address: '127.0.201.9' })
  onTestFinished(() => ntfy[Symbol.asyncDispose]())
  const { journal, paused } = await stuckRollout({
    type: 'ntfy',
    server: ntfy.url,
    topic: 'home',
    commands: 'home-commands',
  })
  await vi.waitFor(() => expect(ntfy.shown('home')).toHaveLength(1), patience)
  const [alert] = ntfy.shown('home')
  await ntfy.press(alert!, 'Pause rollouts')
  await vi.waitFor(async () => expect(await paused()).toBeDefined(), patience)
  expect(journal.entries(1)[0]!.text).toMatch(/; by somebody with a button of channel phone$/)
  await vi.waitFor(() => expect(ntfy.shown('home')).toMatchObject([{ title: 'Done' }]), patience)

  await ntfy.press(alert!, 'Pause rollouts')
  await vi.waitFor(() => expect(ntfy.shown('home').at(-1)).toMatchObject({ title: 'Not done' }), patience)
  expect(ntfy.shown('home').at(-1)!.message).toBe('this button was pressed before')
})

test('a rollout is paused from Telegram, and who did it is known; the message is replaced by its end', async () => {
  const { telegram, channel } = await bot()
  const { alerts, journal, paused } = await stuckRollout(channel)
  await vi.waitFor(() => expect(telegram.messages).toHaveLength(1), patience)
  const query = telegram.press(telegram.messages[0]!, 'Pause rollouts', alice)
  await vi.waitFor(() => expect(telegram.answers.get(query)).toMatchObject({ alert: false }), patience)
  expect(await paused()).toBeDefined()
  expect(journal.entries(1)[0]!.text).toMatch(/; by @alice with a button of channel phone$/)

  alerts.settle('rollout.stuck')
  await vi.waitFor(() => expect(telegram.messages).toMatchObject([{ edits: 1, keyboard: [] }]), patience)
  expect(telegram.messages[0]!.text).toMatch(/^homelab: over: w-1 is stuck/)
})

test('buttons that nobody hears are an alert, until they are heard', async () => {
  const { telegram, channel } = await bot()
  telegram.updates.webhook = true
  const { alerts } = await notifier({ settings: { channels: { phone: channel } }, secret: () => token })
  await vi.waitFor(() => expect(alerts.find('channel.buttons:phone')?.text).toMatch(/webhook is active/), patience)
  telegram.updates.webhook = false
  await vi.waitFor(() => expect(alerts.find('channel.buttons:phone')).toBeUndefined(), patience)
})
