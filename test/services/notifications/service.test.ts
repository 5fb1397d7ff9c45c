import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActions } from '../../../src/operations/actions.ts'
import { startAgent } from '../../fakes/agent.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { asked, operatorOf } from '../../fakes/person.ts'
import { startHttp } from '../../lab/http.ts'
import { key, notifier } from './notifier.ts'
import { patience } from '../../patience.ts'

/** A Gotify server that shows what it was told. */
async function gotify() {
  const told: { title: string; message: string; priority: number }[] = []
  const server = await startHttp((incoming, response) => {
    let text = ''
    incoming.setEncoding('utf8').on('data', (part: string) => (text += part))
    incoming.on('end', () => {
      told.push(JSON.parse(text))
      response.end('{"id":1}')
    })
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { url: `http://${server.host}`, told, titles: () => told.map(({ title }) => title) }
}

const channel = (server: string) => ({ type: 'gotify', server, token: { file: 'token' } })
const stuck = { severity: 'warning', subject: 'w-1', text: 'w-1 is stuck' } as const

describe('what people are told', () => {
  test('is each alert once, and its end', async () => {
    const { url, told, titles } = await gotify()
    const { alerts } = await notifier({ settings: { channels: { phone: channel(url) } } })
    alerts.open('rollout.stuck', stuck)
    await vi.waitFor(() => expect(titles()).toEqual(['homelab: w-1 is stuck']), patience)
    alerts.open('rollout.stuck', stuck)
    alerts.settle('rollout.stuck')
    await vi.waitFor(() => expect(titles()).toEqual(['homelab: w-1 is stuck', 'homelab: over: w-1 is stuck']), patience)
    expect(told[0]!.priority).toBe(5)
  })

  test('has no control character in it, in the subject neither', async () => {
    const heard: string[] = []
    const server = await startHttp((incoming, response) => {
      incoming.setEncoding('utf8').on('data', (part: string) => heard.push(part))
      incoming.on('end', () => response.end())
    })
    onTestFinished(() => server[Symbol.asyncDispose]())
    const hook = {
      type: 'webhook',
      url: `http://${server.host}/hook`,
      headers: { 'content-type': 'text/plain' },
      template: '{{title}}|{{text}}|{{subject}}|{{topic}}',
    }
    const { alerts } = await notifier({ settings: { channels: { hook } } })
    const hostile = 'w-1\u001b[2J\u202e\r\nforged'
    alerts.open(`rollout.stuck:${hostile}`, { ...stuck, subject: hostile, text: hostile })
    await vi.waitFor(() => expect(heard).toHaveLength(1), patience)
    expect(heard[0]).toMatch(/w-1.*\|w-1.*\|rollout\.stuck:w-1/)
    expect(heard[0]).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  test('is nothing again after a restart, and what happened meanwhile', async () => {
    const { url, titles } = await gotify()
    const settings = { channels: { phone: channel(url) } }
    const first = await notifier({ settings })
    first.alerts.open('rollout.stuck', stuck)
    await vi.waitFor(() => expect(titles()).toHaveLength(1), patience)
    // What is in flight at the end would be sent again.
    const log = () => operatorOf(first.homelab, first.it).notifications.log({ limit: 1 }).items
    await vi.waitFor(() => expect(log()).toMatchObject([{ state: 'sent' }]), patience)
    await first.stop()
    first.alerts.settle('rollout.stuck')
    first.alerts.open('config.invalid', { ...stuck, text: 'line 3 is wrong' })
    await notifier({ homelab: first.homelab, it: first.it, settings })
    await vi.waitFor(
      () =>
        expect(titles().toSorted()).toEqual([
          'homelab: line 3 is wrong',
          'homelab: over: w-1 is stuck',
          'homelab: w-1 is stuck',
        ]),
      patience,
    )
  })

  test('goes to each channel by its routes, and one that is away keeps nothing from the others', async () => {
    const [phone, mail] = [await gotify(), await gotify()]
    const channels = { phone: channel(phone.url), mail: channel(mail.url), away: channel('http://127.0.0.1:1') }
    const routes = [
      { channels: ['phone', 'away'], severity: 'critical' },
      { channels: ['mail'], topics: ['release', 'rollout'] },
    ]
    const { it, alerts, service } = await notifier({ settings: { channels, routes } })
    alerts.open('rollout.stuck', stuck)
    alerts.open('config.invalid', { ...stuck, severity: 'critical', text: 'line 3 is wrong' })
    await it.agent.emit({ type: 'release.published', version: 'v1.14.0' })
    await vi.waitFor(() => expect(phone.titles()).toEqual(['homelab: line 3 is wrong']), patience)
    await vi.waitFor(
      () =>
        expect(mail.titles().toSorted()).toEqual([
          'homelab: v1.14.0 is now the target release',
          'homelab: w-1 is stuck',
        ]),
      patience,
    )
    await vi.waitFor(
      () =>
        expect(service.status!()).toMatch(
          /^3 channels; 1 message waits: away \(Gotify at 127\.0\.0\.1:1\): 127\.0\.0\.1:1: connection refused/,
        ),
      patience,
    )
  })

  test('waits for a token that was refused, and is sent within seconds once it is replaced', async () => {
    const titles: string[] = []
    const server = await startHttp((incoming, response) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (part: string) => (text += part))
      incoming.on('end', () => {
        const isKnown = incoming.headers['x-gotify-key'] === 'new'
        if (isKnown) titles.push(JSON.parse(text).title)
        response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{"id":1}' : '{"error":"Unauthorized"}')
      })
    })
    onTestFinished(() => server[Symbol.asyncDispose]())
    let secret = 'old'
    const settings = { channels: { phone: channel(`http://${server.host}`) } }
    const { alerts } = await notifier({ settings, secret: () => secret })
    alerts.open('rollout.stuck', stuck)
    const isFailing = () => alerts.all.some(({ id }) => id === 'channel.failing:phone')
    await vi.waitFor(() => expect(isFailing()).toBe(true), patience)
    secret = 'new'
    await vi.waitFor(() => expect(titles).toEqual(['homelab: w-1 is stuck']), patience)
    await vi.waitFor(() => expect(isFailing()).toBe(false), patience)
  })

  test('of a channel that is no longer configured is given up', async () => {
    const first = await notifier({ settings: { channels: { away: channel('http://127.0.0.1:1') } } })
    first.alerts.open('rollout.stuck', stuck)
    const log = () => operatorOf(first.homelab, first.it).notifications.log({ limit: 10 }).items
    await vi.waitFor(() => expect(log()).toMatchObject([{ channel: 'away', state: 'waiting' }]), patience)
    await first.stop()
    await notifier({ homelab: first.homelab, it: first.it, settings: {} })
    expect(log()).toMatchObject([{ channel: 'away', state: 'refused', why: 'the channel is no longer configured' }])
  })
})

describe('a test message', () => {
  test('says of each channel how it fared', async () => {
    const { url, titles } = await gotify()
    const { door, homelab, it } = await notifier({
      settings: { channels: { phone: channel(url), away: channel('http://127.0.0.1:1') } },
    })
    expect(await door.current!.test(undefined, asked())).toEqual([
      { channel: 'phone', sent: true, detail: 'sent', tookMs: expect.any(Number) },
      { channel: 'away', sent: false, detail: expect.stringContaining('127.0.0.1:1'), tookMs: expect.any(Number) },
    ])
    expect(titles()).toEqual(['homelab: this is a test'])
    const { items } = operatorOf(homelab, it).notifications.log({ limit: 10 })
    expect(items.map(({ channel, state, attempts }) => `${channel} ${state} ${attempts}`).toSorted()).toEqual([
      'away refused 1',
      'phone sent 1',
    ])
    expect(items.find(({ state }) => state === 'refused')?.why).toContain('127.0.0.1:1')
    await expect(door.current!.test('pager', asked())).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no channel pager; there are phone and away',
    })
  })
})

describe('a button', () => {
  const rollout = {
    id: '2026-11-26T10:00:00.000Z',
    startedAt: '2026-11-26T10:00:00.000Z',
    release: 'v1.13.9',
    nodes: {},
  }

  async function buttons(now = () => new Date()) {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    const it = startAgent(homelab)
    const { journal } = homelab.ports
    journal.saveRollout(rollout)
    const operator = operatorOf(homelab, it)
    const make = (withKey = key) =>
      createActions({
        key: withKey,
        operator,
        alerts: it.agent.alerts,
        journal,
        power: it.agent.guard.power,
        config: () => it.config,
        now,
      })
    const paused = async () => (await operator.rollouts.status(asked().signal)).paused
    return { journal, make, paused, operator, actions: make() }
  }
  const pause = { do: 'pause', subject: 'v1.13.9' } as const

  test('does what it says, once, and the journal says by whom', async () => {
    const { actions, paused, journal, make } = await buttons()
    const token = actions.issue('phone', pause)
    expect(actions.preview('phone', token)).toMatchObject({
      said: expect.stringMatching(/^Pause rollouts: no further node is upgraded to v1\.13\.9/),
      label: 'Pause rollouts',
    })
    expect(await paused()).toBeUndefined()
    await actions.perform('phone', token, { ...asked(), by: { name: '@alice by phone', verified: true } })
    expect(await paused()).toBeDefined()
    expect(journal.entries(1)[0]!.text).toMatch(/; by @alice by phone$/)
    // After a restart, too.
    for (const again of [actions, make()])
      await expect(again.perform('phone', token, asked())).rejects.toMatchObject({
        code: 'rejected',
        message: 'this button was pressed before',
      })
  })

  test('that is forged, from another channel, another installation, or too old does nothing', async () => {
    let now = new Date('2026-11-26T12:00:00Z')
    const { actions, paused, make } = await buttons(() => now)
    const token = actions.issue('phone', pause)
    const forged = Array.from(token).map(
      (character, index) => token.slice(0, index) + (character === 'A' ? 'B' : 'A') + token.slice(index + 1),
    )
    for (const bad of [...forged, '', 'x'.repeat(64)])
      await expect(actions.perform('phone', bad, asked())).rejects.toMatchObject({
        code: 'rejected',
        message: 'this button is not one of ours',
      })
    await expect(actions.perform('mail', token, asked())).rejects.toMatchObject({
      message: 'this button is not one of ours',
    })
    await expect(make(new Uint8Array(32)).perform('phone', token, asked())).rejects.toMatchObject({
      message: 'this button is not one of ours',
    })
    now = new Date('2026-11-27T12:00:00Z')
    await expect(actions.perform('phone', token, asked())).rejects.toMatchObject({ message: 'this button has expired' })
    expect(await paused()).toBeUndefined()
  })

  test('whose subject is over does nothing to what came later', async () => {
    const { actions, journal, paused } = await buttons()
    const token = actions.issue('phone', pause)
    journal.saveRollout({ ...rollout, endedAt: '2026-11-26T11:00:00.000Z', outcome: 'done' })
    await expect(actions.perform('phone', token, asked())).rejects.toMatchObject({
      message: 'the rollout of v1.13.9 is over',
    })
    const cancel = actions.issue('phone', { do: 'cancel', subject: '2026-11-26T09:00:00.000Z' })
    await expect(actions.perform('phone', cancel, asked())).rejects.toMatchObject({ message: 'that power cut is over' })
    expect(await paused()).toBeUndefined()
  })
})
