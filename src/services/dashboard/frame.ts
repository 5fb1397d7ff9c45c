import { html } from 'hono/html'
import { basePath } from '../../http/base-path.ts'
import type { Markup } from '../../http/markup/parts.ts'
import type { PageSpec } from '../../operations/pages.ts'
import type { WebCaller } from '../../operations/web.ts'
import type { Assets } from './assets.ts'
import type { Verdict } from './verdict.ts'

/** What stands around each page. */
export interface Frame {
  readonly homelab: string
  readonly version: string
  readonly pages: readonly PageSpec[]
  readonly assets: Pick<Assets, 'urlOf'>
  readonly caller: WebCaller
  /** Undefined where the state itself can't be read. */
  readonly verdict: Verdict | undefined
  readonly now: Date
}

export interface Framed {
  /** The path of its entry in the navigation. */
  readonly path: string
  readonly title: string
  readonly content: unknown
  readonly hasCharts?: boolean
  /** It is not asked for again: what it shows happens once. */
  readonly isStill?: true
  /** It is still being read: the page asks again at once. */
  readonly isLoading?: true
  /** In s: where scripts are off it is loaded again after so long. */
  readonly reloadsAfter?: number
}

/** The part that is drawn again with whatever happens; the page's title and icon show the state. */
export function livePart(frame: Frame, framed: Framed): Markup {
  const { verdict, homelab, assets, now } = frame
  const { title, content, isStill, isLoading, path } = framed
  const tone = verdict?.tone ?? 'warning'
  const shownTitle = [...(verdict?.short === undefined ? [] : [verdict.short]), title, homelab].join(' · ')
  return html`<div
    id="live"
    data-title="${shownTitle}"
    data-tone="${tone}"
    data-verdict="${verdict === undefined ? '' : `${verdict.text}.`}"
    data-icon="${assets.urlOf(`icon-${tone}.svg`)}"
    data-now="${now.toISOString()}"
    ${isStill ? html`data-still` : ''}
    ${isLoading ? html`data-loading aria-busy="true"` : ''}
  >
    ${path === '/' || !verdict ? '' : verdictLine(verdict)} ${content}
  </div>`
}

/** How everything is: on the first page in large letters, on the others as a way back to it. */
export function verdictLine({ tone, text }: Verdict, isHero = false): Markup {
  const dot = html`<span class="dot" aria-hidden="true"></span>`
  if (isHero) return html`<h1 class="verdict hero ${tone}">${dot}<span>${text}.</span></h1>`
  return html`<p class="verdict ${tone}">${dot}<span>${text}.</span></p>`
}

/** A whole page. */
export function wholePage(frame: Frame, framed: Framed): Markup {
  const { assets, homelab, version, caller, verdict } = frame
  const tone = verdict?.tone ?? 'warning'
  const { hasCharts, reloadsAfter, title } = framed
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${head(assets, `${title} · ${homelab}`, tone)}
        <script src="${assets.urlOf('htmx.js')}" defer></script>
        ${
          hasCharts
            ? html`<link rel="stylesheet" href="${assets.urlOf('uplot.css')}" />
                <script src="${assets.urlOf('uplot.js')}" defer></script>
                <script src="${assets.urlOf('chart.js')}" type="module"></script>`
            : ''
        }
        <script src="${assets.urlOf('dashboard.js')}" type="module"></script>
        <script src="${assets.urlOf('requests.js')}" type="module"></script>
        ${
          reloadsAfter === undefined
            ? ''
            : html`<noscript><meta http-equiv="refresh" content="${reloadsAfter}" /></noscript>`
        }
      </head>
      <body data-tone="${tone}" data-version="${version}" data-live="${basePath}/live">
        <a class="skip" href="#main">Skip to the page</a>
        <section id="stale" aria-label="Connection" hidden></section>
        <div id="told" role="status" class="unseen"></div>
        <div class="frame">
          <header class="side">
            <a class="brand" href="/">
              ${mark}
              <span class="brand-name">${homelab}<small>Caretaker</small></span>
            </a>
            <a class="all-pages" href="#pages">All pages</a>
            <nav aria-label="Pages">${pageList(frame, framed)}</nav>
            <div class="account">${account(caller)}</div>
          </header>
          <main id="main" tabindex="-1">${livePart(frame, framed)}</main>
          <nav class="every-page" id="pages" aria-label="All pages">${pageList(frame, framed)}</nav>
          <footer class="foot">
            <span>Caretaker ${version}</span>
            <span class="account-again">${account(caller)}</span>
          </footer>
        </div>
        <dialog id="dialog" aria-label="Confirm a request"><div id="confirmation"></div></dialog>
      </body>
    </html>`
}

function pageList({ pages }: Frame, { path: shown }: Framed): Markup {
  return html`<ul>
    ${pages.map(
      ({ path, title }) =>
        html`<li><a href="${path}" ${path === shown ? html` aria-current="page"` : ''}>${title}</a></li>`,
    )}
  </ul>`
}

/** A page without the homelab: whoever sees it is not known yet. */
export function barePage(assets: Pick<Assets, 'urlOf'>, title: string, content: unknown): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        ${head(assets, title, 'fine')}
      </head>
      <body>
        <main class="alone">${content}</main>
      </body>
    </html>`
}

function head(assets: Pick<Assets, 'urlOf'>, title: string, tone: string): Markup {
  return html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f4f5f2" />
    <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0e1312" />
    <title>${title}</title>
    <link rel="icon" type="image/svg+xml" href="${assets.urlOf(`icon-${tone}.svg`)}" />
    <link rel="stylesheet" href="${assets.urlOf('dashboard.css')}" />`
}

const mark = html`<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.6">
  <path d="M4 15.5 16 5l12 10.5M7.5 13v14h17V13" stroke-linecap="round" stroke-linejoin="round" />
  <circle cx="16" cy="19" r="3.6" fill="currentColor" stroke="none" />
</svg>`

function account({ requester, scope, via }: WebCaller): Markup {
  const who = html`<span>${via === 'anonymous' ? 'on this machine' : requester.name}, may ${words[scope]}</span>`
  if (via === 'session')
    return html`${who}
      <form method="post" action="${basePath}/session/end"><button class="link">Sign out</button></form>`
  return via === 'anonymous' ? html`${who} <a href="/sign-in">Sign in</a>` : who
}

const words = { read: 'read', operate: 'read and request', admin: 'do everything' } as const
