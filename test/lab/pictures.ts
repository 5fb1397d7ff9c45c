// Takes the pictures of README and docs from a homelab of stand-ins, in a real browser: `npm run pictures`, after a change
// of what pages or messages look like, on a machine that does nothing else.
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import type { StagedImage } from '../../src/core/release/image.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { hourOf, readingHourKind, type ReadingSample, withSamples } from '../../src/core/power/readings.ts'
import { openJournalAndAlerts } from '../../src/main/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { startBrowser } from './browser.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from './daemon.ts'
import { type Homelab, startHomelab } from './homelab.ts'
import { readMail, startMail } from './notify/mail.ts'
import { takeMachines } from './pictures-machines.ts'
import { startUpsdStandIn, type UpsdStandIn } from './upsd/stand-in.ts'

const published = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))
const token = 'caretaker_desk-0123456789abcdef0123456789abcdef'
const address = '127.0.76.1'
const url = `http://${address}:8420`
const desk = { width: 1280, height: 860 }
const phone = { width: 390, height: 800 }
/** The largest that a picture may be, in bytes. */
const largest = 150_000

await using stack = new AsyncDisposableStack()
const directory = await mkdtemp(join(tmpdir(), 'caretaker-pictures-'))
stack.defer(() => rm(directory, { recursive: true, force: true }))
stack.defer(() => endStore(directory))
const pace = { pull: 400, install: 900, stop: 500, boot: 1_500, settle: 500 }
const lab = stack.use(await startHomelab({ net: 76, versions: ['v1.13.9'], nas: true, pace }))
const upsd = stack.use(await startUpsdStandIn({ address: '127.0.76.93' }))
await upsd.set('input.voltage', '231.4')
const server = stack.use(await startMail({ address: '127.0.76.94', tls: 'none' }))
await writeFile(join(directory, 'desk'), token)
const config = await lab.writeConfig(directory, {
  ups: { host: upsd.address, port: upsd.port },
  upgrade: { settle: '1s', approval: 'always', windows: [] },
  power: { maxOnBattery: '20m', minimumRuntime: '6m' },
  api: { address, url, tokens: [{ name: 'desk', scope: 'operate', token: { file: 'desk' } }] },
  notifications: {
    channels: {
      mail: {
        type: 'email',
        host: '127.0.76.94',
        port: server.port,
        tls: 'none',
        from: 'caretaker@home.arpa',
        to: 'me@home.arpa',
      },
    },
  },
})
keepDay()
const daemon = stack.use(await startDaemon({ config, directory }))
const browser = await startBrowser({})
stack.defer(() => browser.close())
const pictures = join(directory, 'pictures')
await mkdir(pictures)
await take({ lab, upsd, daemon, browser })
const ofMachines = join(directory, 'machines')
await mkdir(ofMachines)
await takeMachines({ browser, directory: ofMachines, keep })
for (const name of await readdir(pictures)) await copyFile(join(pictures, name), join(published, name))

interface Scene {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly daemon: LabDaemon
  readonly browser: Browser
}

async function take({ lab, upsd, daemon, browser }: Scene): Promise<void> {
  const status = () => daemon.control.get<StatusAnswer>('/status')
  await waitFor('the first image', 20_000, async () => (await status()).published !== undefined)
  await waitFor('the start to be over', 20_000, async () => (await status()).activities.length === 0)
  await shoot(browser, { name: 'sign-in', path: '/sign-in', viewport: phone, isStranger: true })
  await shoot(browser, { name: 'overview', path: '/' })
  await shoot(browser, { name: 'power', path: '/power', waits: 2_000 })
  lab.factory.publish('v1.13.10')
  await daemon.control.post('/jobs/watch-releases/run')
  await waitFor('the release', 20_000, async () => {
    const images = await daemon.control.get<readonly StagedImage[]>('/staged')
    return images.some(({ version }) => version === 'v1.13.10')
  })
  await waitFor('the question', 20_000, async () => (await status()).alerts.worst?.id.startsWith('rollout') === true)
  await shoot(browser, { name: 'releases', path: '/releases' })
  await shoot(browser, { name: 'approval', path: '/rollout', viewport: phone, presses: 'Approve' })
  await shootMail(browser, 'message-approval', 'waits for approval')
  await daemon.control.post('/rollout/approve')
  await waitFor('two nodes', 60_000, () => lab.nodes.filter(({ version }) => version === 'v1.13.10').length >= 2)
  await shoot(browser, { name: 'rollout', path: '/rollout', isDark: true })
  await waitFor('all nodes', 60_000, () => lab.nodes.every(({ version, ready }) => version === 'v1.13.10' && ready))
  await waitFor('the rollout to end', 60_000, async () => (await status()).activities.length === 0)
  await shoot(browser, { name: 'nodes', path: '/nodes', isDark: true })
  for (const name of ['images', 'jobs', 'journal', 'settings']) await shoot(browser, { name, path: `/${name}` })
  await upsd.set('battery.charge', '83')
  await upsd.set('battery.runtime', '1410')
  await upsd.set('input.voltage', '0')
  await upsd.status('OB DISCHRG')
  await waitFor('the power cut', 20_000, async () => (await status()).power.upses[0]?.state.mode === 'on-battery')
  await shoot(browser, { name: 'power-cut', path: '/', isDark: true, viewport: phone, waits: 3_000 })
  await shoot(browser, { name: 'power-cut-cancel', path: '/', isDark: true, viewport: phone, presses: 'Cancel' })
  await shootMail(browser, 'message-power-cut', 'mains power failed')
  // Last: there is no daemon after it.
  await shoot(browser, { name: 'stale', path: '/', viewport: phone, until: () => daemon.kill() })
}

/** A message as readers of mail show it, and the page that its first button leads to. */
async function shootMail(browser: Browser, name: string, words: string): Promise<void> {
  const find = () => server.mails.map(({ raw }) => readMail(raw).html).find((html) => html.includes(words))
  await waitFor(`the mail "${words}"`, 30_000, () => find() !== undefined)
  const html = find()!
  const page = await browser.newPage({ viewport: { width: 640, height: 420 } })
  await page.setContent(html)
  await keep(page, name)
  const [, link] = /href="([^"]*\/act\/[^"]*)"/.exec(html) ?? []
  if (link === undefined) throw new Error(`${name} has no button`)
  await page.setViewportSize({ width: phone.width, height: 480 })
  await page.goto(link.replaceAll('&amp;', '&'))
  await keep(page, `${name}-button`)
  await page.close()
}

interface Shot {
  readonly name: string
  readonly path: string
  readonly isDark?: boolean
  readonly viewport?: typeof desk
  /** Until what a page draws by itself is there, in ms. */
  readonly waits?: number
  /** The button whose question is shown. */
  readonly presses?: string
  /** Nobody is signed in. */
  readonly isStranger?: true
  /** Ends the daemon under the page. */
  readonly until?: () => Promise<void>
}

async function shoot(browser: Browser, shot: Shot): Promise<void> {
  const { name, path, isDark, viewport = desk, waits = 1_200, presses, isStranger, until } = shot
  const context = await browser.newContext({ viewport, colorScheme: isDark ? 'dark' : 'light' })
  const page = await context.newPage()
  await page.goto(`${url}/sign-in`)
  if (!isStranger) {
    await page.fill('input[name=token]', token)
    await page.click('button.main')
    await page.goto(url + path)
    await page.waitForSelector('#live:not([data-loading])')
  }
  await page.waitForTimeout(waits)
  if (presses !== undefined) {
    await page.click(`#live button:has-text("${presses}")`)
    await page.waitForSelector('dialog[open] [data-confirmation]')
  }
  if (until) {
    await until()
    await page.waitForSelector('#stale:not(:empty)')
  }
  await keep(page, name)
  await context.close()
}

/** What a busy machine does to the agent is nothing to show: such a picture stays as it was before. */
async function keep(page: Page, name: string): Promise<void> {
  if ((await page.textContent('body'))?.includes('stood still')) {
    console.log(`docs/pictures/${name}.png is not taken: this machine is too busy, and the page says so`)
    process.exitCode = 1
    return
  }
  const { length } = await page.screenshot({ path: join(pictures, `${name}.png`) })
  if (length > largest) throw new Error(`docs/pictures/${name}.png has ${length} bytes: ${largest} at most`)
  console.log(`docs/pictures/${name}.png`)
}

/** A day of the UPS, as it would have been kept: a short power cut in the early morning, and a load that goes up and down. */
function keepDay(): void {
  const { journal } = openJournalAndAlerts(join(directory, 'state'), silentLog, undefined, false)
  const records = journal.records(readingHourKind)
  const now = Date.now()
  const samples = Array.from({ length: 24 * 60 }, (_, index) => sampleAt(now - (24 * 60 - index) * 60_000, index))
  for (const [hour, own] of Map.groupBy(samples, ({ at }) => hourOf(at)))
    records.save(withSamples({ ups: 'ups', hour, samples: [] }, own))
  journal[Symbol.dispose]()
}

function sampleAt(at: number, minute: number): ReadingSample {
  const out = minute - 17 * 60
  const onBattery = out >= 0 && out < 14
  const charge = out < 0 ? 100 : onBattery ? 100 - 2.4 * out : Math.min(100, 66 + 0.35 * (out - 14))
  const load = 21 + 5 * Math.sin(minute / 170) + (minute % 7) / 4
  return {
    at: new Date(at).toISOString(),
    chargePercent: Math.round(charge),
    runtimeMs: Math.round((charge / load) * 780) * 1_000,
    loadPercent: Math.round(load),
    ...(onBattery ? { onBattery: true as const } : { inputVolts: 230 + Math.round(40 * Math.sin(minute / 90)) / 10 }),
  }
}
