import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const program = '/usr/bin/chromium'
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Why there is no browser on this machine; undefined: there is. */
export function whyNoBrowser(): string | undefined {
  return existsSync(program) ? undefined : 'there is no Chromium: apt-get install chromium'
}

/** A real browser, without a screen. @param hosts names that lead to addresses of the lab: `nas.lan` */
export function startBrowser(hosts: Readonly<Record<string, string>>): Promise<Browser> {
  const rules = Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`)
  return chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', `--host-resolver-rules=${rules.join(',')}`],
  })
}

/** A page, and everything that it complains about: errors of the console and of scripts, and breaches of the CSP. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: readonly string[]
}

export async function openPage(context: BrowserContext): Promise<WatchedPage> {
  const page = await context.newPage()
  page.setDefaultTimeout(300_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
  return { page, complaints }
}

/** What axe finds wrong with a page as it is now, a line each. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  // As the debugger, which no CSP stops: the page itself may load nothing foreign.
  await page.evaluate(await readFile(axe, 'utf8'))
  return page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: Axe }).axe.run
    const { violations } = await run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}

interface Axe {
  run(): Promise<{
    readonly violations: readonly {
      readonly id: string
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
    }[]
  }>
}

/** By how many px a page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth')
}
