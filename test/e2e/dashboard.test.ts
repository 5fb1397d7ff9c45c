import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StagedImage } from '../../src/core/release/image.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { findBarriers, openPage, overflowOf, startBrowser, whyNoBrowser } from '../lab/browser.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { curlExamples, expectedOf, runExample, whyNoCurl } from './curl-examples.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

// By a name, over plain HTTP, as in most homelabs: there browsers send no Sec-Fetch-Site.
const url = 'http://nas.lan:8420'
const token = 'caretaker_desk-0123456789abcdef0123456789abcdef'
const readToken = 'caretaker_wall-0123456789abcdef0123456789abcdef'
const paths = [
  '/',
  '/nodes',
  '/rollout',
  '/releases',
  '/power',
  '/machines',
  '/images',
  '/boots',
  '/jobs',
  '/journal',
  '/settings',
]
const wide = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }
/** In ms: many processes share the machine, and only what never comes is to fail. */
const patience = 300_000

const stack = new AsyncDisposableStack()
let browser: Browser
let lab: Homelab
let upsd: UpsdStandIn
let daemon: LabDaemon
let directory: string
let config: string

const start = async () => (daemon = await startDaemon({ config, directory }))
const status = () => daemon.control.get<StatusAnswer>('/status')

/** Cases follow each other on one daemon, as a day does. */
describe.skipIf(lacks(whyNoBrowser()))('a person at a browser', { timeout: 2 * patience }, () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'caretaker-dashboard-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    stack.defer(() => endStore(directory))
    lab = stack.use(await startHomelab({ net: 74, controlPlanes: 1, workers: 1, versions: ['v1.13.9', 'v1.14.1'] }))
    upsd = stack.use(await startUpsdStandIn({ address: '127.0.74.93' }))
    await writeFile(join(directory, 'desk'), token)
    await writeFile(join(directory, 'wall'), readToken)
    config = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port },
      upgrade: { approval: 'always' },
      power: { maxOnBattery: '20m' },
      api: {
        address: '127.0.74.1',
        hosts: ['nas.lan'],
        tokens: [
          { name: 'desk', scope: 'operate', token: { file: 'desk' } },
          { name: 'wall', scope: 'read', token: { file: 'wall' } },
        ],
      },
    })
    await start()
    stack.defer(async () => void (await daemon.stop()))
    await waitFor('the release to be staged', 20_000, async () => {
      const images = await daemon.control.get<readonly StagedImage[]>('/staged')
      return images.some(({ version }) => version === 'v1.14.1')
    })
    browser = await startBrowser({ 'nas.lan': '127.0.74.1' })
    stack.defer(() => browser.close())
  }, patience)
  afterAll(() => stack.disposeAsync())

  test('signs in by a form without scripts, reads every page, and requests by a page of its own', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: phone })
    const { page, complaints } = await openPage(context)
    await page.goto(`${url}/nodes`)
    await signIn(page, 'caretaker_wrong')
    expect(await page.textContent('main')).toContain('This token is wrong')
    await signIn(page, token)
    expect(page.url()).toBe(`${url}/nodes`)
    for (const path of paths) {
      await page.goto(url + path)
      expect(await page.textContent('main'), path).not.toContain('could not be read')
      expect((await page.textContent('h1'))?.trim(), path).toMatch(/\w/)
    }
    await page.goto(`${url}/rollout`)
    await page.click('text=Pause')
    await page.fill('[name=reason]', 'guests & <b>cats</b>')
    await page.click('button:has-text("Pause rollouts")')
    expect(await page.textContent('[role=status].said')).toContain('guests & <b>cats</b>')
    expect((await status()).paused).toMatchObject({ reason: 'guests & <b>cats</b>', by: 'token desk' })
    await page.click('.foot button')
    expect(page.url()).toBe(`${url}/sign-in?next=%2F`)
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([])
    await context.close()
  })

  test('sees every page whole at both widths, light and dark, without a complaint of the browser or of axe', async () => {
    const context = await signedIn(wide)
    const { page, complaints } = await openPage(context)
    for (const path of paths) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize(wide)
      await page.goto(url + path)
      await until(page, 'document.title !== "" && !document.querySelector("[data-loading]")')
      expect(await overflowOf(page), path).toBeLessThanOrEqual(0)
      expect(await findBarriers(page), path).toEqual([])
      await page.setViewportSize(phone)
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await overflowOf(page), path).toBeLessThanOrEqual(0)
      expect(await findBarriers(page), path).toEqual([])
      await page.setViewportSize({ width: 320, height: 640 })
      expect(await overflowOf(page), path).toBeLessThanOrEqual(0)
    }
    expect(complaints).toEqual([])
    await context.close()
  })

  test('is shown no buttons by a token that may only read, and why', async () => {
    const context = await signedIn(phone, readToken)
    const { page } = await openPage(context)
    await page.goto(`${url}/rollout`)
    expect(await page.locator('#live button:not(.copy)').count()).toBe(0)
    expect(await page.textContent('.no-buttons')).toContain('needs a token of scope operate; yours is read')
    await page.goto(`${url}/power/do/shutdown`)
    expect(await page.textContent('[data-confirmation]')).toContain('token wall has the scope read')
    await context.close()
  })

  test('resumes and approves by the keyboard alone, and sees the rollout go through live', async () => {
    const context = await signedIn(wide)
    const { page, complaints } = await openPage(context)
    await page.goto(`${url}/rollout`)
    await page.keyboard.press('Tab')
    expect(await focusedText(page)).toBe('Skip to the page')
    await page.locator('button:has-text("Resume")').focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog[open] [data-confirmation]')
    expect(await focusedText(page)).toBe('Resume rollouts')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog:not([open])', { state: 'attached' })
    expect((await status()).paused).toBeDefined()
    await pressThrough(page, 'Resume', 'Resume rollouts')
    await page.goto(`${url}/journal`)
    await page.keyboard.press('/')
    await page.keyboard.type('paused/')
    expect(await page.inputValue('[name=text]')).toBe('paused/')
    await page.goto(`${url}/`)
    await pressThrough(page, 'Approve v1.14.1', 'Approve it')
    await page.goto(`${url}/rollout`)
    await page.waitForSelector('text=Every node runs the release that it should', { timeout: patience })
    expect(lab.nodes.map(({ version }) => version)).toEqual(['v1.14.1', 'v1.14.1'])
    expect(complaints).toEqual([])
    await context.close()
  })

  test('sees a power cut come by itself, with a countdown, and cancels the shutdown by clicking', async () => {
    const context = await signedIn(phone)
    const { page, complaints } = await openPage(context)
    await page.goto(`${url}/`)
    await until(page, '!document.title.includes("battery")')
    await upsd.status('OB DISCHRG')
    await until(page, 'document.title.startsWith("On battery")')
    expect(await page.getAttribute('link[rel=icon]', 'href')).toContain('icon-critical')
    const countdown = page.locator('.alarm .countdown')
    const first = await countdown.textContent()
    expect(first).toMatch(/^1?\d:\d\d$|^20:00$/)
    await waitFor('the countdown to go on', 5_000, async () => (await countdown.textContent()) !== first)
    const button = page.locator('.alarm button')
    expect((await button.boundingBox())!.y).toBeLessThan(phone.height)
    await button.click()
    await page.waitForSelector('dialog[open] [data-confirmation]')
    expect(await page.textContent('dialog')).toContain('Until mains power is back, only')
    await page.click('dialog button:has-text("Cancel the shutdown")')
    await page.waitForSelector('dialog .said')
    expect(await page.textContent('dialog .said')).toContain('the shutdown is cancelled for ups before it began')
    await page.click('dialog [data-close]')
    await page.waitForSelector('.alarm :text("The shutdown is cancelled until mains power is back")')
    await upsd.status('OL')
    await page.waitForSelector('.alarm', { state: 'detached', timeout: patience })
    expect(complaints).toEqual([])
    await context.close()
  })

  test('wakes a node by clicking, and hears that it is up', async () => {
    const context = await signedIn(wide)
    const { page } = await openPage(context)
    await page.goto(`${url}/nodes`)
    await page.click('#node-w-1 summary')
    const drawn = await page.getAttribute('#live', 'data-now')
    await daemon.control.post('/jobs/watch-releases/run')
    await until(page, `document.querySelector("#live").dataset.now !== "${drawn}"`)
    await page.click('#node-w-1 button:has-text("Wake")')
    await page.click('dialog button:has-text("Wake them")')
    await page.waitForSelector('dialog .said')
    expect(await page.textContent('dialog .said')).toContain('w-1 is already up')
    await context.close()
  })

  test.skipIf(lacks(whyNoCurl()))('copies every call of curl from docs/api.md, and each answers', async () => {
    const examples = curlExamples()
    expect(examples.length).toBeGreaterThan(9)
    for (const line of examples) {
      const { code, stdout } = await runExample(line, { directory, token, resolve: 'nas.lan:8420:127.0.74.1' })
      const { ends, holds } = expectedOf(line)
      expect(code, `${line}\n${stdout}`).toBe(ends)
      expect(stdout, line).toMatch(holds)
    }
    const refused = await runExample(examples[0]!, { directory, token: 'wrong', resolve: 'nas.lan:8420:127.0.74.1' })
    expect(refused.code).toBe(22)
    expect(JSON.parse(refused.stdout)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  test('is told when the daemon is silent, and goes on with the next one; a newer one loads the page anew', async () => {
    const context = await signedIn(wide)
    const { page } = await openPage(context)
    await page.goto(`${url}/`)
    await page.evaluate('window.isTheSame = true')
    await daemon.kill()
    await page.waitForSelector('#stale:has-text("Not heard from the daemon for")', { timeout: patience })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await findBarriers(page)).toEqual([])
    }
    await start()
    await until(page, 'document.querySelector("#stale").textContent === ""')
    expect(await page.evaluate('window.isTheSame')).toBe(true)
    await page.evaluate('document.body.dataset.version = "0.0.1"')
    await daemon.kill()
    await start()
    await until(page, 'window.isTheSame === undefined')
    await context.close()
  })
})

async function signIn(page: Page, text: string): Promise<void> {
  await page.fill('input[name=token]', text)
  await page.click('button.main')
}

/** A browser that has signed in before. */
async function signedIn(viewport: typeof wide, text = token) {
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce' })
  const { page } = await openPage(context)
  await page.goto(`${url}/sign-in`)
  await signIn(page, text)
  await page.waitForURL(`${url}/`)
  await page.close()
  return context
}

const focusedText = (page: Page) => page.evaluate<string>('document.activeElement.textContent.trim()')

/** Waits until an expression holds in the page. */
const until = (page: Page, expression: string) =>
  waitFor(expression, patience / 5, () => page.evaluate<boolean>(expression).catch(() => false), 100)

/** Presses a button, and in its dialog the one that does it, by the keyboard. */
async function pressThrough(page: Page, label: string, doing: string): Promise<void> {
  await page.locator(`#live button:has-text("${label}")`).first().focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog[open] [data-confirmation]')
  await page.locator(`dialog button:has-text("${doing}")`).focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog .said')
  await page.keyboard.press('Escape')
}
