import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openBroker } from '../../../src/services/home-assistant/broker.ts'
import { startAgent } from '../../fakes/agent.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { whyNoMosquitto } from '../../lab/mosquitto.ts'
import { lacks } from '../../lab/needs.ts'
import { brokerLab } from './broker-lab.ts'
import { presence } from './presence.ts'

const lab = brokerLab('127.0.75.42')
const { listen, url } = lab

describe.skipIf(lacks(whyNoMosquitto()))('a button', () => {
  beforeAll(lab.start)
  afterAll(lab.stop)

  const answer = (home: { readonly heard: ReadonlyMap<string, { readonly payload: string }> }, topic: string) =>
    (JSON.parse(home.heard.get(topic)?.payload ?? '{}') as { said?: string }).said

  test('is pressed in the name of Home Assistant, and says what came of it', async () => {
    const it = await presence({ settings: { url: url() } })
    const home = await listen()
    await expect.poll(it.status).toContain('entities')
    await home.publish(it.at('command/pause'), 'PRESS')
    await expect.poll(() => answer(home, it.at('answer'))).toMatch(/^rollouts are paused/)
    expect(JSON.parse(home.heard.get(it.at('cluster'))!.payload)).toMatchObject({ paused: 'ON' })
    const [entry] = it.homelab.ports.journal.entries(10).filter(({ text }) => text.startsWith('rollouts are paused'))
    expect(entry?.text).toMatch(/; by Home Assistant \(unverified\)$/)
    await home.publish(it.at('command/resume'), 'PRESS')
    await expect.poll(() => answer(home, it.at('answer'))).toMatch(/^rollouts are no longer paused/)
    await home.publish(it.at('command/cancel_shutdown'), 'PRESS')
    await expect.poll(() => answer(home, it.at('answer'))).toMatch(/^there is nothing to cancel/)
    await home.publish(it.at('command/approve'), 'PRESS')
    await expect.poll(() => answer(home, it.at('answer'))).toMatch(/^there is no target release/)
  })

  test('cancels a shutdown that is on its way', async () => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    const agent = startAgent(homelab, {
      power: { onBatteryAfter: '0s' },
      node: () => ({ feed: { powerValue: { ups: 1 }, minSupplies: 1 } }),
    })
    const it = await presence({ settings: { url: url() }, homelab, it: agent })
    const home = await listen()
    await expect.poll(it.status).toContain('entities')
    await agent.reads({ status: ['OB'], charge: 50, runtime: 900_000 })
    await home.publish(it.at('command/cancel_shutdown'), 'PRESS')
    await expect.poll(() => answer(home, it.at('answer'))).toMatch(/^the shutdown is cancelled for ups/)
  })

  test('that a broker has kept is not pressed again and again, and nothing but a press is one', async () => {
    const early = await listen()
    await early.publish('kept/command/pause', 'PRESS', true)
    const it = await presence({ settings: { url: url(), topicPrefix: 'kept' } })
    await expect.poll(it.status).toContain('entities')
    await early.publish('kept/command/pause', 'press')
    await early.publish('kept/command/toString', 'PRESS')
    await early.publish('kept/command/resume', 'PRESS')
    await expect.poll(() => answer(early, 'kept/answer')).toBe('rollouts were not paused')
  })

  test('that fails says why; what is pressed like mad is done a few times', async () => {
    const pressed: string[] = []
    const held = Promise.withResolvers<void>()
    const it = await presence({
      settings: { url: url() },
      operator: (own) => ({
        ...own,
        rollouts: {
          ...own.rollouts,
          pause: async () => {
            pressed.push('pause')
            await held.promise
            throw new TypeError('a fault of ours')
          },
        },
      }),
    })
    const home = await listen()
    await expect.poll(it.status).toContain('entities')
    for (let index = 0; index < 12; index += 1) await home.publish(it.at('command/pause'), 'PRESS')
    await expect.poll(() => pressed).toHaveLength(1)
    held.resolve()
    await expect.poll(() => answer(home, it.at('answer'))).toBe('internal error; see the log')
    await expect.poll(() => pressed.length).toBe(5)
  })

  test('that something presses all the time is not pressed for ever, and the others still are', async () => {
    const pressed: string[] = []
    const count = (name: string) => async () => {
      pressed.push(name)
      return { said: name, changed: true }
    }
    const it = await presence({
      settings: { url: url() },
      operator: (own) => ({
        ...own,
        rollouts: { ...own.rollouts, pause: count('pause'), resume: count('resume') },
        power: { ...own.power, cancel: count('cancel') },
      }),
    })
    const home = await listen()
    await expect.poll(it.status).toContain('entities')
    for (let index = 0; index < 12; index += 1) {
      await home.publish(it.at('command/pause'), 'PRESS')
      await home.publish(it.at('command/resume'), 'PRESS')
      await expect.poll(() => pressed.length).toBeGreaterThanOrEqual(Math.min(10, 2 * index + 2))
    }
    await home.publish(it.at('command/cancel_shutdown'), 'PRESS')
    await expect.poll(() => pressed.at(-1)).toBe('cancel')
    expect(pressed).toHaveLength(11)
  })

  test('takes no message that is larger than anything of ours', async () => {
    const end = new AbortController()
    const broker = await openBroker(
      {
        url: url(),
        clientId: 'small',
        user: undefined,
        password: undefined,
        ca: undefined,
        protocol: 5,
        will: { topic: 'small/availability', payload: 'offline' },
        limits: { connectWithin: 5_000, keepAlive: 20_000, endWithin: 1_000 },
      },
      end.signal,
    )
    onTestFinished(() => broker.end())
    const sizes: number[] = []
    broker.onMessage(({ payload }) => void sizes.push(payload.length))
    await broker.subscribe(['small/command/+'])
    const home = await listen()
    await home.publish('small/command/pause', 'x'.repeat(2_000_000))
    await home.publish('small/command/pause', 'PRESS')
    await expect.poll(() => sizes.at(-1)).toBe(5)
    expect(sizes).toEqual([5])
  })

  test('is not there where it is switched off', async () => {
    const it = await presence({ settings: { url: url(), buttons: false } })
    const home = await listen()
    await expect.poll(() => home.heard.has(it.config)).toBe(true)
    expect(home.heard.get(it.config)!.payload).not.toContain('"button"')
    await expect.poll(it.status).toContain('entities')
    await home.publish(it.at('command/pause'), 'PRESS')
    await home.publish('homeassistant/status', 'online')
    await expect.poll(() => home.all(it.config)).toHaveLength(2)
    expect(JSON.parse(home.heard.get(it.at('cluster'))!.payload)).toMatchObject({ paused: 'OFF' })
  })

  test('that is switched off takes along what the last press came to', async () => {
    const settings = { url: url(), topicPrefix: 'switched' }
    const before = await presence({ settings })
    const home = await listen()
    await home.publish('switched/of-others', 'theirs', true)
    await expect.poll(before.status).toContain('entities')
    await home.publish('switched/command/resume', 'PRESS')
    await expect.poll(() => answer(home, 'switched/answer')).toBe('rollouts were not paused')
    await before.stop()
    const after = await presence({ settings: { ...settings, buttons: false } })
    await expect.poll(after.status).toContain('entities')
    await expect.poll(() => home.heard.get('switched/answer')?.payload).toBe('')
    await expect.poll(() => home.all('switched/availability').at(-1)).toBe('online')
    expect(home.all('switched/of-others')).toEqual(['theirs'])
  })
})
