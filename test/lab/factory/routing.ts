import type { IncomingMessage } from 'node:http'
import { found, text, type Answer } from './answers.ts'

/** What a path has in the places of a pattern's `:names`. */
export type Parameters = Readonly<Record<string, string>>

/** A pattern of paths, as httprouter writes them, and who answers to it. */
export interface Route {
  readonly methods: readonly string[]
  readonly pattern: string
  readonly answer: (parameters: Parameters, request: IncomingMessage, url: URL) => Answer | Promise<Answer>
}

/** What julienschmidt/httprouter 1.3 says to a path that no route of the method has. */
export function unrouted(routes: readonly Route[], method: string, path: string): Answer {
  for (const { methods, pattern } of routes) {
    if (!methods.includes(method)) continue
    const fixed = fixPath(pattern, path)
    if (fixed !== undefined && fixed !== path) return found(method === 'GET' ? 301 : 307, fixed)
  }
  const allowed = routes.filter(({ pattern }) => match(pattern, path)).flatMap(({ methods }) => methods)
  const allow = [...new Set(allowed), 'OPTIONS'].toSorted().join(', ')
  if (allowed.length === 0) return text(404, '404 page not found\n')
  if (method === 'OPTIONS') return { status: 200, headers: { allow } }
  const answer = text(405, 'Method Not Allowed\n')
  return { ...answer, headers: { ...answer.headers, allow } }
}

/** The parameters, where a path fits the pattern exactly. */
export function match(pattern: string, path: string): Parameters | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '')
    if (segment.startsWith(':') && value !== '') parameters[segment.slice(1)] = value
    else if (segment !== value) return undefined
  }
  return parameters
}

/** The path as the pattern spells it: one slash at a time, none at the end, fixed words in lower case. */
function fixPath(pattern: string, path: string): string | undefined {
  const wanted = pattern.split('/').slice(1)
  const given = path.split('/').filter((segment) => segment !== '')
  const fits = wanted.every((word, index) => word.startsWith(':') || word === given[index]?.toLowerCase())
  if (!fits || wanted.length !== given.length) return undefined
  return `/${wanted.map((word, index) => (word.startsWith(':') ? given[index] : word)).join('/')}`
}
