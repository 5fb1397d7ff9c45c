import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { Markup } from './markup/parts.ts'

/** The element of a style, and the policy of a page that has it and nothing else: no script, no picture, nothing from elsewhere. */
export function onlyStyle(style: string): { readonly element: Markup; readonly policy: string } {
  const policy = [
    "default-src 'none'",
    // Every character counts for its hash.
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { element: raw(`<style>${style}</style>`), policy }
}

const style = `
  :root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
  body { margin: 15vh auto 0; max-width: 32rem; padding: 0 1.5rem; overflow-wrap: anywhere }
  h1 { font-size: 1rem; font-weight: 600; opacity: .7 }
  button { font: inherit; font-weight: 600; width: 100%; margin-top: 1.5rem; padding: .9rem; border: 0; border-radius: .6rem;
    background: #17594d; color: #fff }
`
const { element: styleElement, policy } = onlyStyle(style)

export const plainPageHeaders = {
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

export interface PlainPage {
  readonly title: string
  readonly heading: string
  /** A sentence without a full stop. */
  readonly text: string | Markup
  /** Of the button that does it. */
  readonly button?: string
  /** Where to go on. */
  readonly link?: { readonly to: string; readonly label: string }
}

/** A page that stands for itself, for whoever is not within the dashboard. */
export function plainPage({ title, heading, text, button, link }: PlainPage) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        ${styleElement}
      </head>
      <body>
        <h1>${heading}</h1>
        <p role="status">${text}.</p>
        ${button === undefined ? '' : html`<form method="post"><button>${button}</button></form>`}
        ${link === undefined ? '' : html`<p><a href="${link.to}">${link.label}</a></p>`}
      </body>
    </html>`
}
