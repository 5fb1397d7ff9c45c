import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Alert } from '../../src/core/alert.ts'
import type { Operator, StatusAnswer } from '../../src/core/operator.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { openPage, startBrowser, whyNoBrowser } from '../lab/browser.ts'
import { waitFor } from '../lab/daemon.ts'
import { lacks } from '../lab/needs.ts'
import { ups } from '../services/dashboard/drawn.ts'
import { serveDashboard } from '../services/dashboard/served.ts'
import { openDashboard } from '../services/dashboard/site.ts'

/** A page that somebody has left open, and one that is heard and not seen. */

/** In ms: many processes share the machine, and only what never comes is to fail. */
const patience = 300_000
const minute = 60_000

let browser: Browser

/** A dashboard whose homelab changes as the test says. */
async function serve() {
  await using calm = await openDashboard()
  const present = JSON.parse(JSON.stringify(await calm.operator.status(AbortSignal.timeout(patience)))) as StatusAnswer
  let alerts: readonly Alert[] = []
  let outages: readonly Outage[] = []
  const rack = ups({ mode: 'on-mains' })
  const samples = () =>
    Array.from({ length: 60 }, (_, index) => ({
      at: new Date(Date.now() - (60 - index) * minute).toISOString(),
      chargePercent: 100 - index / 10,
      runtimeMs: 3_480_000,
      inputVolts: 230 + (index % 3),
    }))
  const operator: Partial<Operator> = {
    status: async () => {
      const [worst] = alerts
      return { ...present, alerts: { open: alerts.length, worst } }
    },
    alerts: () => alerts,
    power: {
      ...calm.operator.power,
      state: () => ({ upses: [rack], shutdownRequestedAt: undefined }),
      readings: () => [{ label: 'rack', samples: samples() }],
      outages: () => ({ items: outages }),
    },
  }
  const site = await serveDashboard({ operator }, 'operate')
  return {
    site,
    open: (...all: readonly Alert[]) => {
      alerts = all
      site.tell('alert')
    },
    passes: (outage: Outage) => {
      outages = [outage]
      site.tell('status')
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

const alertOf = (id: string, text: string): Alert => ({
  id,
  severity: 'warning',
  subject: 'caretaker',
  text,
  since: '2027-01-01T20:00:00.000Z',
  offers: [{ do: 'pause', subject: 'v1.14.1' }],
})

const until = (page: Page, expression: string) =>
  waitFor(expression, patience / 5, () => page.evaluate<boolean>(expression).catch(() => false), 100)
const focused = (page: Page) => page.evaluate<string>('document.activeElement.id || document.activeElement.tagName')

/** What was said to whoever hears the page, in its order. */
async function hears(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(`
    window.said = []
    for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
      new MutationObserver(() => region.textContent && said.push(region.textContent))
        .observe(region, { childList: true, characterData: true, subtree: true })`)
  return () => page.evaluate<readonly string[]>('window.said')
}

describe.skipIf(lacks(whyNoBrowser()))('a page that stays open', { timeout: 2 * patience }, () => {
  beforeAll(async () => {
    browser = await startBrowser({ 'lab.example': '127.0.0.1' })
  }, patience)
  afterAll(() => browser?.close())

  test('holds no more, however often it is drawn', async () => {
    await using lab = await serve()
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    const { page, complaints } = await openPage(context)
    await page.goto(`${lab.site.url}/power`)
    await page.waitForSelector('.chart canvas')
    const session = await context.newCDPSession(page)
    let drawn = 0
    async function draw(times: number) {
      for (let index = 0; index < times; index += 1) {
        // Another outage each time: the chart and its figures are drawn anew, too.
        const at = new Date(Date.now() - (drawn += 1) * minute).toISOString()
        lab.passes({ startedAt: at, endedAt: at, reason: 'low-battery', stage: 'over', nodes: {} })
        const mark = String(Date.parse(at))
        await until(page, `document.querySelector('.chart').dataset.marks.includes('${mark}')`)
        // Not at the pace of people: what is drawn is what counts.
        await page.evaluate('document.dispatchEvent(new CustomEvent("caretaker:shown"))')
      }
      await session.send('HeapProfiler.collectGarbage')
      const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters')
      const plots = await page.evaluate<number>("uPlot.sync('chart-rack').plots.length")
      const canvases = await page.evaluate<number>("document.querySelectorAll('.chart canvas').length")
      return { nodes, jsEventListeners, plots, canvases }
    }
    const before = await draw(4)
    const after = await draw(16)
    expect(after.plots).toBe(before.plots)
    // Drawn, and not only known: what the server sends of the chart is empty.
    expect(after.canvases).toBe(after.plots)
    expect(after.plots).toBeLessThanOrEqual(3)
    expect(after.jsEventListeners).toBeLessThanOrEqual(before.jsEventListeners + 5)
    expect(after.nodes).toBeLessThanOrEqual(before.nodes * 1.2)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('says once that the state has changed, and once that the daemon is silent', async () => {
    await using lab = await serve()
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    const { page } = await openPage(context)
    await page.goto(`${lab.site.url}/nodes`)
    await waitFor('the page to follow', patience, async () => lab.site.followers > 0)
    const said = await hears(page)
    lab.open(alertOf('x', 'the share is read-only'))
    await until(page, 'said.length > 0')
    // Another one of the same severity is no news of the whole.
    lab.open(alertOf('y', 'the clock is wrong'), alertOf('x', 'the share is read-only'))
    await until(page, 'document.querySelector(".verdict").textContent.includes("The clock is wrong")')
    expect(await said()).toEqual(['The share is read-only.'])
    await page.evaluate('Date.now = ((now) => () => now() + 20_000)(Date.now)')
    await page.waitForSelector('#stale:has-text("for 2")')
    const first = await page.textContent('#stale')
    await until(page, `document.querySelector('#stale').textContent !== ${JSON.stringify(first)}`)
    expect(await said()).toEqual(['The share is read-only.', 'Not heard from the daemon.'])
    lab.site.tell('status')
    await until(page, 'said.length === 3')
    expect((await said()).at(-1)).toBe('The daemon is back.')
    await context.close()
  })

  test('keeps the focus where it is drawn anew, what is being typed, and a place where it is gone', async () => {
    await using lab = await serve()
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    const { page } = await openPage(context)
    const alert = alertOf('x', 'the share is read-only')
    lab.open(alert)
    await page.goto(`${lab.site.url}/`)
    await waitFor('the page to follow', patience, async () => lab.site.followers > 0)
    const button = page.locator('#alerts button.button').first()
    await button.focus()
    lab.open(alert, alertOf('z', 'the clock is wrong'))
    await page.waitForSelector('#alerts :text("The clock is wrong")')
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Pause rollouts')
    lab.open()
    await page.waitForSelector('#alerts', { state: 'detached' })
    expect(await focused(page)).toBe('main')

    await page.goto(`${lab.site.url}/journal`)
    await waitFor('the page to follow', patience, async () => lab.site.followers > 0)
    await page.focus('[data-search]')
    await page.keyboard.type('nee')
    const drawn = await page.getAttribute('#live', 'data-now')
    lab.open(alert)
    await until(page, `document.querySelector('#live').dataset.now !== '${drawn}'`)
    await page.keyboard.type('dle')
    expect(await page.inputValue('[data-search]')).toBe('needle')
    await context.close()
  })
})
