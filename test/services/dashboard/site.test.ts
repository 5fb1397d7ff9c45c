import { setTimeout as sleep } from 'node:timers/promises'
import { html } from 'hono/html'
import { soon } from '../../patience.ts'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { loadServices } from '../../../src/engine/catalogue.ts'
import { definePage, type Page, type PageSpec } from '../../../src/operations/pages.ts'
import type { AnyService } from '../../../src/operations/service.ts'
import { operatorOf } from '../../fakes/person.ts'
import { openDashboard, ownPages } from './site.ts'

/** A page of a test, at `/toy`. */
function toy(page: Partial<Page<string>>): PageSpec {
  const whole = definePage<string>({ read: () => 'a toy', view: (data) => html`<h1>${data}</h1>`, ...page })
  return { path: '/toy', title: 'Toy', order: 1, load: async () => ({ default: whole }) }
}

describe('who is shown what', () => {
  test('a stranger is led to sign in, and on to where they were going', async () => {
    await using it = await openDashboard()
    const page = await it.ask('/journal?kind=alert', { scope: undefined })
    expect([page.status, page.headers.get('location')]).toEqual([303, '/sign-in?next=%2Fjournal%3Fkind%3Dalert'])
    const signIn = await it.ask('/sign-in?next=%2Fjournal', { scope: undefined })
    expect(signIn.text).toContain('name="next" value="/journal"')
    expect(signIn.text).not.toContain('homelab')
  })

  test('a page that is open while its sign-in ends is told so, and not shown the page to sign in within itself', async () => {
    await using it = await openDashboard()
    expect(await it.ask('/', { scope: undefined, headers: { 'hx-request': 'true' } })).toMatchObject({
      status: 401,
      text: '',
    })
  })

  test('strangers are served what the page to sign in loads, for ever by its content, smaller where they can read that', async () => {
    await using it = await openDashboard()
    const { text } = await it.ask('/sign-in', { scope: undefined })
    const [, path = ''] = /href="(\/assets\/dashboard\.[0-9a-f]{10}\.css)"/.exec(text)!
    const whole = await it.ask(path, { scope: undefined })
    expect(whole.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(whole.headers.get('content-encoding')).toBeNull()
    const packed = await it.ask(path, { scope: undefined, headers: { 'accept-encoding': 'br, gzip' } })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(packed.text.length).toBeLessThan(whole.text.length / 2)
    expect((await it.ask('/assets/dashboard.0000000000.css')).status).toBe(404)
    expect((await it.ask('/assets/../service.ts')).status).toBe(404)
  })

  test('the first page takes at most six requests and 100 kB', async () => {
    await using it = await openDashboard()
    const { text } = await it.ask('/')
    const paths = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!)
    const all = await Promise.all(paths.map((path) => it.ask(path)))
    expect(paths.length + 1).toBeLessThanOrEqual(6)
    expect(all.reduce((sum, one) => sum + one.text.length, text.length)).toBeLessThan(100_000)
  })

  test('nothing of a page breaks the policy that browsers are told: no script and no style stands in it', async () => {
    await using it = await openDashboard()
    for (const { path } of await ownPages()) {
      const { text } = await it.ask(path)
      expect(text, path).not.toMatch(/ style=|<style|<script(?! src="\/assets)| on[a-z]+="/)
      expect(text, path).not.toMatch(/(?:href|src|action)="(?:https?:)?\/\//)
    }
  })
})

test.each(['/', '/nodes', '/jobs', '/settings', '/releases'])(
  '%s asks once how everything is, for the page and its frame, and waits for no node',
  async (path) => {
    const asked: (string | undefined)[] = []
    await using story = await openDashboard()
    const operator = operatorOf(story.homelab, story)
    const status: typeof operator.status = (signal, freshness) => {
      asked.push(freshness)
      return operator.status(signal, freshness)
    }
    await using it = await openDashboard({ operator: { status } })
    await it.ask(path)
    expect(asked).toEqual([path === '/' || path === '/nodes' ? 'followed' : 'known'])
  },
)

describe('a page that a service adds', () => {
  test('is there by its folder alone: in the navigation, whole, and as the part that follows what happens', async () => {
    const services = await loadServices<AnyService>(new URL('../toys/', import.meta.url))
    const pages = services.flatMap((service) => service.pages ?? [])
    await using it = await openDashboard({ pages })
    const whole = await it.ask('/heartbeat?beats=3')
    expect(whole.text).toContain('<!doctype html>')
    expect(whole.text).toMatch(/<a href="\/heartbeat"\s+aria-current="page"\s*>Heartbeat<\/a\s*>/)
    expect(whole.text).toContain('<h1>3 beats of homelab</h1>')
    const part = await it.ask('/heartbeat', { headers: { 'hx-request': 'true' } })
    expect(part.text).toMatch(/^<div\s+id="live"/)
    expect(part.text).not.toContain('<nav')
  })

  test('says why where it can not be read, and nothing of an error that nobody expected', async () => {
    const failing = (error: Error) =>
      toy({
        read: () => {
          throw error
        },
      })
    await using known = await openDashboard({ pages: [failing(new AgentError('unreachable', 'the <NAS> is away'))] })
    expect((await known.ask('/toy')).text).toContain('the &lt;NAS&gt; is away.')
    await using unknown = await openDashboard({ pages: [failing(new Error('secret detail'))] })
    const { text } = await unknown.ask('/toy')
    expect(text).not.toContain('secret detail')
    expect(text).toMatch(/the daemon&#39;s log says about [0-9a-f]{8}/)
    expect(unknown.logged).toHaveLength(1)
  })

  test('that takes long shows that it is asked for, and whoever waits gets it', async () => {
    const answer = Promise.withResolvers<string>()
    await using it = await openDashboard({ pages: [toy({ read: () => answer.promise })] })
    const first = await it.ask('/toy')
    expect(first.text).toContain('data-loading aria-busy="true"')
    expect(first.text).toContain('http-equiv="refresh" content="1"')
    const patient = it.ask('/toy', { headers: { 'hx-request': 'true' } })
    answer.resolve('it came')
    expect((await patient).text).toContain('<h1>it came</h1>')
  })

  test('is read once for all who ask in the same moment, and anew after a request', async () => {
    let reads = 0
    const requests = {
      go: { title: 'Go?', label: 'Go', scope: 'operate', preview: () => ['it goes'], perform: async () => 'gone' },
    } as const
    const drawnFor: unknown[] = []
    const view: Page<string>['view'] = (data, { scope }) => {
      drawnFor.push(scope)
      return html`<h1>${data} by who may ${scope}</h1>`
    }
    await using it = await openDashboard({ pages: [toy({ read: () => `read ${(reads += 1)}`, view, requests })] })
    const shown = await Promise.all([it.ask('/toy'), it.ask('/toy'), it.ask('/toy', { scope: 'read' })])
    expect(reads).toBe(1)
    // Drawn once for all who may do the same.
    expect(drawnFor).toEqual(['operate', 'read'])
    expect(shown.map(({ text }) => /by who may (\w+)/.exec(text)?.[1])).toEqual(['operate', 'operate', 'read'])
    await it.ask('/toy/do/go', { method: 'POST' })
    expect((await it.ask('/toy')).text).toContain('read 2')
    await sleep(450)
    expect((await it.ask('/toy')).text).toContain('read 3')
  })

  test('is put into its frame once for all who ask for it again in the same moment, and may do the same', async () => {
    let frames = 0
    await using plain = await openDashboard()
    const known = await operatorOf(plain.homelab, plain).status(soon())
    const status = async () => ({
      ...known,
      get version() {
        frames += 1
        return known.version
      },
    })
    await using it = await openDashboard({ pages: [toy({})], operator: { status } })
    const again = { headers: { 'hx-request': 'true' } }
    const shown = await Promise.all([it.ask('/toy', again), it.ask('/toy', again), it.ask('/toy', again)])
    expect(new Set(shown.map(({ text }) => text)).size).toBe(1)
    expect(frames).toBe(1)
    await it.ask('/toy', { ...again, scope: 'read' })
    await it.ask('/toy')
    expect(frames).toBe(3)
  })

  test('is loaded again by itself where scripts are off, as long as something counts down', async () => {
    await using it = await openDashboard({
      pages: [toy({ view: () => html`<time data-until datetime="2027-01-01T00:00:00Z">1:00</time>` })],
    })
    expect((await it.ask('/toy')).text).toMatch(/<noscript><meta http-equiv="refresh" content="5"/)
    await using still = await openDashboard({ pages: [toy({})] })
    expect((await still.ask('/toy')).text).not.toContain('http-equiv')
  })
})

describe('a request of a page', () => {
  test('says what will happen before it does anything, and answers with what came of it', async () => {
    await using it = await openDashboard()
    const before = [...it.homelab.diary]
    const asked = await it.ask('/nodes/do/pause?node=w-1&evil=1')
    expect(asked.text).toContain('w-1 is not upgraded until someone resumes it')
    expect(asked.text).toContain('<form method="post" action="/nodes/do/pause"')
    expect(asked.text).not.toContain('evil')
    expect(it.homelab.diary).toEqual(before)
    const form = { node: 'w-1', reason: 'a <b>fan</b> & more' }
    const done = await it.ask('/nodes/do/pause', { method: 'POST', form })
    expect(done.text).toContain('a &lt;b&gt;fan&lt;/b&gt; &amp; more')
    const entries = it.homelab.ports.journal.entries(5).map(({ text }) => text)
    expect(entries.join()).toContain('token desk')
  })

  test('is refused with the reason where it may not or can not be made', async () => {
    await using it = await openDashboard()
    const before = [...it.homelab.diary]
    const mayNot = 'token desk has the scope read, and this needs operate'
    expect((await it.ask('/power/do/shutdown', { scope: 'read' })).text).toContain(mayNot)
    expect((await it.ask('/power/do/shutdown', { scope: 'read', method: 'POST' })).text).toContain(mayNot)
    expect((await it.ask('/power/do/cancel')).text).toContain('There is nothing to cancel')
    expect((await it.ask('/nodes/do/rollback?node=w-9')).text).toContain('there is no node w-9')
    expect(it.homelab.diary).toEqual(before)
  })

  test('has a form of 16 KiB at most', async () => {
    await using it = await openDashboard()
    const form = { node: 'w-1', reason: 'x'.repeat(20_000) }
    expect((await it.ask('/nodes/do/pause', { method: 'POST', form })).text).toContain('larger than 16 KiB')
  })

  test.each(['/nodes/do/constructor', '/nodes/do/', '/nodes/toString', '/do/pause', '/elsewhere'])(
    'is none at %s',
    async (path) => {
      await using it = await openDashboard()
      expect((await it.ask(path)).status).toBe(404)
    },
  )

  test('every button of every page leads to one that there is', async () => {
    await using it = await openDashboard()
    const actions = new Set<string>()
    for (const { path } of await ownPages())
      for (const [, action] of (await it.ask(path)).text.matchAll(/action="([^"]+\/do\/[^"]+)"/g)) actions.add(action!)
    expect(actions.size).toBeGreaterThan(8)
    for (const action of actions) expect((await it.ask(action)).status, action).toBe(200)
  })
})
