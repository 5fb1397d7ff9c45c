import { AgentError, messageOf } from '../../core/errors.ts'
import { asRecord } from './kubeconfig.ts'

/** The API server answered with an error: a Status (kubernetes apimachinery meta/v1). */
export class ApiRefusal extends AgentError {
  readonly status: number
  readonly details: unknown
  /** For how long the server asks to be left alone, in ms; undefined where it does not say. */
  readonly retryAfter: number | undefined

  constructor(status: number, message: string, details: unknown, retryAfter?: number) {
    // 429 and 5xx pass; so does a conflict, when one looks again.
    super(status === 429 || status >= 500 || status === 409 ? 'unreachable' : 'rejected', message)
    this.status = status
    this.details = details
    this.retryAfter = retryAfter
  }
}

/** A 401 that our credentials' own dates explain. */
export class CredentialsEnded extends ApiRefusal {}

/** What came back of a request. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** In ms; see `parseRetryAfter`. */
  readonly retryAfter?: number | undefined
}

/**
 * The document that was answered. `what` was asked for, `GET /version`, and `where`, for the error's words.
 *
 * @throws ApiRefusal where the status is none of success; AgentError `malformed` where the answer is no JSON
 */
export function readAnswer<T>({ status, text, retryAfter }: Answer, what: string, where: string): T {
  const parsed = parseObject(text)
  if (status >= 200 && status < 300) {
    if (parsed) return parsed as T
    throw new AgentError(
      'malformed',
      `the Kubernetes API at ${where} answers ${what} with something that is not JSON: ${inOneLine(text)}`,
    )
  }
  // What stands in front of the API server, as a load balancer without a backend, answers in its own words.
  const { message, details } = parsed ?? { message: `HTTP ${status} ${inOneLine(text)}` }
  const words = typeof message === 'string' && message !== '' ? message : `HTTP ${status}`
  throw new ApiRefusal(status, `the Kubernetes API at ${where} refuses ${what}: ${words}`, details, retryAfter)
}

/** What a server says that answers with plain text. @throws ApiRefusal where the status is none of success */
export function readText({ status, text, retryAfter }: Answer, what: string, where: string): string {
  if (status >= 200 && status < 300) return text
  throw new ApiRefusal(
    status,
    `the Kubernetes API at ${where} refuses ${what}: HTTP ${status} ${inOneLine(text)}`,
    undefined,
    retryAfter,
  )
}

/** The beginning of a page that was not meant for us, without line breaks and what terminals act on. */
function inOneLine(text: string): string {
  return text
    .slice(0, 1_000)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 80)
}

/** There is no such object of this resource. A 404 of what stands in front of the API server says nothing of it. */
export function isMissing(error: unknown, resource: string): boolean {
  return error instanceof ApiRefusal && error.status === 404 && asRecord(error.details)['kind'] === resource
}

/**
 * The header `Retry-After` in ms: whole seconds, or a date (RFC 9110 10.2.3). A date is compared with the server's own
 * `Date`, because the clocks of a homelab differ; without one, with `now`. Undefined where it is neither.
 */
export function parseRetryAfter(
  { 'retry-after': text, date }: { readonly 'retry-after'?: string | undefined; readonly date?: string | undefined },
  now: number,
): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000
  // An HTTP-date begins with the day of the week; Date.parse makes dates of much else.
  const at = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) return undefined
  const here = Date.parse(date ?? '')
  return Math.max(0, at - (Number.isNaN(here) ? now : here))
}

/** The reasons of a Status' causes: `DisruptionBudget`, `NamespaceTerminating` (apimachinery meta/v1 StatusCause). */
export function causesOf({ details }: ApiRefusal): readonly Record<string, unknown>[] {
  const { causes } = asRecord(details)
  return Array.isArray(causes) ? causes.map(asRecord) : []
}

function parseObject(text: string): { message?: unknown; details?: unknown } | undefined {
  try {
    const parsed: unknown = text === '' ? {} : JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

/** What the connection failed of, in our words. */
export function translate(error: unknown, where: string, signal: AbortSignal): AgentError {
  if (error instanceof AgentError) return error
  const at = `the Kubernetes API at ${where}`
  if (signal.aborted) return new AgentError('unreachable', `${at} did not answer in time`, error)
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(ERR_TLS_CERT_ALTNAME|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new AgentError(
      'misconfigured',
      `${at} presents a certificate that is not signed by the kubeconfig's CA (${messageOf(error)})`,
      error,
    )
  }
  return new AgentError(
    'unreachable',
    `${at}: ${code === 'ECONNREFUSED' ? 'connection refused' : messageOf(error)}`,
    error,
  )
}
