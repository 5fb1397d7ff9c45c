import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { Alert } from '../../src/core/alert.ts'
import type { Operator, StatusAnswer } from '../../src/core/operator.ts'
import { worker } from '../core/cluster/nodes.ts'
import { findBarriers, openPage, overflowOf, startBrowser, whyNoBrowser } from '../lab/browser.ts'
import { lacks } from '../lab/needs.ts'
import { serveDashboard as serve } from '../services/dashboard/served.ts'
import { openDashboard, type SiteOptions } from '../services/dashboard/site.ts'

const wide = { width: 1440, height: 900 }
const phone = { width: 390, height: 844 }
/** In ms: many processes share the machine, and only what never comes is to fail. */
const patience = 300_000
const at = '2027-01-01T20:00:00.000Z'

const hostile = [
  `<script>alert(1)</script>" onload='x' &`,
  '\u001B[31mred\u001B[0m\u0007',
  '\u202Eright to left\u202C',
  'x'.repeat(300),
  'شبكة المنزل',
].join(' ')

let browser: Browser

/** What is other than at a homelab where all is well. */
interface State {
  readonly status?: Partial<StatusAnswer>
  readonly alerts?: readonly Alert[]
  readonly operator?: Partial<Operator>
}

async function stateOf({ status, alerts = [], operator = {} }: State): Promise<SiteOptions> {
  await using calm = await openDashboard()
  const present = JSON.parse(JSON.stringify(await calm.operator.status(AbortSignal.timeout(patience)))) as StatusAnswer
  const [worst] = alerts
  const changed: StatusAnswer = {
    ...present,
    ...status,
    alerts: { open: alerts.length, ...(worst ? { worst } : {}) } as StatusAnswer['alerts'],
  }
  return { operator: { status: async () => changed, alerts: () => alerts, ...operator } }
}

const alertOf = (id: string, text: string, more: Partial<Alert> = {}): Alert => ({
  id,
  severity: 'warning',
  subject: 'caretaker',
  text,
  since: at,
  ...more,
})

const healthy = (name: string) => worker(name)

const states: readonly {
  readonly state: string
  readonly path: string
  readonly has: string
  readonly given: State
}[] = [
  {
    state: 'a damaged journal, set aside',
    path: '/',
    has: 'set aside',
    given: {
      alerts: [
        alertOf(
          'journal.lost',
          'the journal was damaged and is set aside as journal.db.damaged-1: what was written is lost',
          {
            severity: 'critical',
            action: 'look at it with `caretaker doctor --fix`',
          },
        ),
      ],
    },
  },
  {
    state: 'a Factory that is gone',
    path: '/',
    has: 'does not answer',
    given: {
      status: { news: 'the Image Factory does not answer: getaddrinfo ENOTFOUND factory.talos.dev' },
      alerts: [alertOf('factory.silent', 'the Image Factory does not answer: getaddrinfo ENOTFOUND factory.talos.dev')],
    },
  },
  {
    state: 'releases without a Factory',
    path: '/releases',
    has: 'the Image Factory does not answer',
    given: {
      operator: {
        rollouts: {
          releases: () => Promise.reject(new AgentError('unreachable', 'the Image Factory does not answer')),
          plan: () => Promise.reject(new AgentError('unreachable', 'the Image Factory does not answer')),
        } as never,
      },
    },
  },
  {
    state: 'no cluster yet',
    path: '/',
    has: 'Nothing is configured to look after yet',
    given: {
      status: {
        cluster: { nodes: [], observedAt: at, kubernetes: { ok: false, error: 'no talosconfig' } } as never,
        power: { upses: [], shutdownRequestedAt: undefined },
        activities: [],
        missing: ['talosconfig: give it with `caretaker init`'],
      },
    },
  },
  {
    state: 'fifty nodes',
    path: '/',
    has: 'of 50 nodes ready',
    given: { status: { cluster: clusterOf(Array.from({ length: 50 }, (_, n) => `worker-${n + 1}`)) } },
  },
  {
    state: 'fifty nodes, on their page',
    path: '/nodes',
    has: 'worker-50',
    given: { status: { cluster: clusterOf(Array.from({ length: 50 }, (_, n) => `worker-${n + 1}`)) } },
  },
  {
    state: 'hostile names',
    path: '/',
    has: 'right to left',
    given: {
      status: {
        cluster: clusterOf([hostile, `${hostile}2`]),
        news: hostile,
        waiting: hostile,
        paused: { reason: hostile, by: hostile },
        missing: [hostile],
        leftBehind: [hostile],
      },
      alerts: [alertOf('x', hostile, { subject: hostile, action: hostile })],
    },
  },
  {
    state: 'hostile names of nodes',
    path: '/nodes',
    has: 'right to left',
    given: { status: { cluster: clusterOf([hostile]) } },
  },
  {
    state: 'an error that nobody expected',
    path: '/',
    has: 'internal error; please report it',
    given: {
      operator: {
        alerts: () => {
          throw new Error('secret detail')
        },
      },
    },
  },
  { state: 'a page that there is not', path: '/nothing-here', has: 'There is no such page', given: {} },
]

function clusterOf(names: readonly string[]): StatusAnswer['cluster'] {
  return {
    nodes: names.map(healthy),
    observedAt: at,
    kubernetes: { ok: true, value: 'v1.36.3' },
    workloads: { ok: false },
  } as never
}

describe.skipIf(lacks(whyNoBrowser()))('a page of the dashboard', { timeout: 2 * patience }, () => {
  beforeAll(async () => {
    browser = await startBrowser({ 'lab.example': '127.0.0.1' })
  }, patience)
  afterAll(() => browser?.close())

  test.each(states)('is whole and without barriers: $state', async ({ state, path, has, given }) => {
    await using site = await serve(await stateOf(given), 'operate')
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    const { page, complaints } = await openPage(context)
    await look(page, site.url + path, { has, state })
    // Chromium itself complains of an answer that is an error.
    const isOwn = (text: string) =>
      path !== '/nothing-here' || !text.includes('the server responded with a status of 404')
    expect(complaints.filter(isOwn)).toEqual([])
    await context.close()
  })

  test('is whole and without barriers: signed out', async () => {
    await using site = await serve(await stateOf({}))
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    const { page, complaints } = await openPage(context)
    await look(page, `${site.url}/sign-in?why=wrong`, { has: 'This token is wrong', state: 'signed out' })
    expect(complaints).toEqual([])
    await context.close()
  })

  test('copies a command by the keyboard over plain HTTP, and says so; without scripts there is no such button', async () => {
    const alerts = [alertOf('x', 'something is to be done', { action: 'run `caretaker doctor --fix`' })]
    await using site = await serve(await stateOf({ alerts }), 'operate')
    const context = await browser.newContext({ viewport: wide })
    const { page, complaints } = await openPage(context)
    await page.goto(`${site.url}/`)
    const button = page.getByRole('button', { name: 'Copy caretaker doctor --fix' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('#told:has-text("Copied.")', { state: 'attached' })
    expect(await page.evaluate('document.activeElement.dataset.copy')).toBe('caretaker doctor --fix')
    expect(complaints).toEqual([])
    // What was copied is what comes out again.
    await page.evaluate(
      'document.querySelector("main").append(Object.assign(document.createElement("input"), { id: "own" }))',
    )
    await page.focus('#own')
    await page.keyboard.press('ControlOrMeta+v')
    expect(await page.inputValue('#own')).toBe('caretaker doctor --fix')
    await context.close()

    const plain = await browser.newContext({ viewport: wide, javaScriptEnabled: false })
    const { page: unscripted } = await openPage(plain)
    await unscripted.goto(`${site.url}/`)
    expect(await unscripted.locator('.copy').count()).toBe(1)
    expect(await unscripted.locator('.copy').isVisible()).toBe(false)
    await plain.close()
  })
})

/** At both widths, light and dark. */
async function look(page: Page, url: string, { has, state }: { readonly has: string; readonly state: string }) {
  for (const [viewport, colorScheme] of [
    [wide, 'light'],
    [wide, 'dark'],
    [phone, 'dark'],
    [phone, 'light'],
  ] as const) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    await page.goto(url)
    const text = await page.textContent('main')
    expect(text, state).toContain(has)
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(text, state).not.toMatch(/[\u0000-\u0008\u001b\u007f-\u009f\u202a-\u202e]/)
    expect(await overflowOf(page), state).toBeLessThanOrEqual(0)
    expect(await findBarriers(page), state).toEqual([])
  }
}
