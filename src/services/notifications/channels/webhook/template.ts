import { escapeHtml } from '../../html.ts'

/** What may stand between braces. */
export const placeholders = [
  'id',
  'thread',
  'kind',
  'severity',
  'topic',
  'subject',
  'at',
  'title',
  'text',
  'details',
  'body',
  'homelab',
  'link',
] as const
export type Values = Readonly<Record<(typeof placeholders)[number], string>>

/** Text with placeholders, or JSON whose texts have some. */
export type Template = string | Json[] | { [key: string]: Json }
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** As what values are written: each so that it can't end what it stands in. */
export type Format = 'json' | 'form' | 'markup' | 'plain'

const anything = /\{\{(.*?)\}\}/gs

/** What is wrong with a template: names that mean nothing, and JSON that would be none. */
export function faultsIn(template: Template): readonly string[] {
  const text = typeof template === 'string' ? template : JSON.stringify(template)
  const names = [...text.matchAll(anything)].map(([, name = '']) => name.trim())
  const unknown = names.filter((name) => !isPlaceholder(name))
  if (unknown.length > 0)
    return [...new Set(unknown)].map(
      (name) => `there is no {{${name}}}: use ${placeholders.map((one) => `{{${one}}}`).join(', ')}`,
    )
  if (typeof template !== 'string' || !looksLikeJson(template)) return []
  const sample = Object.fromEntries(placeholders.map((name) => [name, '"'])) as Values
  return isJson(renderText(template, sample, 'json')) ? [] : ['begins like JSON, and is none']
}

/** The type of the body, where no header says it. */
export function contentTypeOf(template: Template): string {
  return typeof template === 'string' && !looksLikeJson(template) ? 'text/plain; charset=utf-8' : 'application/json'
}

/** How values are written in a body of this type. */
export function formatFor(contentType: string): Format {
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  if (/[/+]json$/.test(type)) return 'json'
  if (type === 'application/x-www-form-urlencoded') return 'form'
  return /[/+](xml|html)$/.test(type) ? 'markup' : 'plain'
}

/** The body. In JSON a placeholder within quotes becomes a part of that text, and one outside becomes a text. */
export function render(template: Template, values: Values, format: Format): string {
  return typeof template === 'string' ? renderText(template, values, format) : JSON.stringify(fill(template, values))
}

function renderText(template: string, values: Values, format: Format): string {
  if (format !== 'json') return replace(template, values, escapes[format])
  // Even parts lie outside of quotes, odd ones are texts with their quotes.
  return template
    .split(/("(?:[^"\\]|\\.)*")/s)
    .map((part, index) =>
      replace(part, values, index % 2 === 1 ? (value) => JSON.stringify(value).slice(1, -1) : JSON.stringify),
    )
    .join('')
}

const escapes: Readonly<Record<Exclude<Format, 'json'>, (value: string) => string>> = {
  form: encodeURIComponent,
  markup: escapeHtml,
  plain: (value) => value,
}

function fill(value: Json, values: Values): Json {
  if (typeof value === 'string') return replace(value, values, (one) => one)
  if (Array.isArray(value)) return value.map((one) => fill(one, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one, values)]))
}

/** All at once, so that what a value holds is never taken for a placeholder. */
function replace(text: string, values: Values, write: (value: string) => string): string {
  return text.replaceAll(anything, (whole, name: string) => {
    const key = name.trim()
    return isPlaceholder(key) ? write(values[key]) : whole
  })
}

function isPlaceholder(name: string): name is keyof Values {
  return (placeholders as readonly string[]).includes(name)
}

function looksLikeJson(text: string): boolean {
  return /^\s*(\{(?!\{)|\[)/.test(text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
