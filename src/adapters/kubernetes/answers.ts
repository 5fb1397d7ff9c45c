import { notWithin } from '../../core/duration.ts'
import { AgentError, describeConnectionError, messageOf } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { asRecord } from './kubeconfig.ts'

/** The API server answered with an error: a Status (kubernetes apimachinery meta/v1). */
export class ApiRefusal extends AgentError {
  readonly status: number
  readonly details: unknown
  /** `Retry-After`, in ms; undefined where the server does not send it. */
  readonly retryAfter: number | undefined

  constructor(status: number, message: string, details: unknown, retryAfter?: number) {
    // 429 and 5xx are temporary; so is a conflict, after reading again.
    super(status === 429 || status >= 500 || status === 409 ? 'unreachable' : 'rejected', message)
    this.status = status
    this.details = details
    this.retryAfter = retryAfter
  }
}

/** A 401 that the validity dates of our credentials explain. */
export class CredentialsEnded extends ApiRefusal {}

/** The response to a request. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** In ms; see `parseRetryAfter`. */
  readonly retryAfter?: number | undefined
  /** What was sent in confidence: some servers repeat it. */
  readonly secrets?: readonly (string | undefined)[] | undefined
}

/**
 * Parses the response. `what` (`GET /version`) and `where` are for error messages.
 *
 * @throws ApiRefusal where the status is none of success; AgentError `malformed` where the answer is no JSON
 */
export function readAnswer<T>({ status, text, retryAfter, secrets = [] }: Answer, what: string, where: string): T {
  const parsed = parseObject(text)
  if (status >= 200 && status < 300) {
    if (parsed) return parsed as T
    throw new AgentError(
      'malformed',
      `the Kubernetes API at ${where} answers ${what} with something that is not JSON: ${inOneLine(text, secrets)}`,
    )
  }
  // A load balancer without a backend answers in its own format.
  const { message, details } = parsed ?? { message: `HTTP ${status} ${inOneLine(text, secrets)}` }
  const words = typeof message === 'string' && message !== '' ? withoutSecrets(message, secrets) : `HTTP ${status}`
  throw new ApiRefusal(status, `the Kubernetes API at ${where} refuses ${what}: ${words}`, details, retryAfter)
}

/** The text of a plain-text response. @throws ApiRefusal where the status is not a success */
export function readText({ status, text, retryAfter, secrets = [] }: Answer, what: string, where: string): string {
  if (status >= 200 && status < 300) return text
  throw new ApiRefusal(
    status,
    `the Kubernetes API at ${where} refuses ${what}: HTTP ${status} ${inOneLine(text, secrets)}`,
    undefined,
    retryAfter,
  )
}

/** The start of an unexpected response, without line breaks, control characters and what is secret. */
function inOneLine(text: string, secrets: readonly (string | undefined)[]): string {
  return withoutSecrets(text.slice(0, 10_000), secrets)
    .slice(0, 1_000)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 80)
}

/** Whether the API server reports that the object does not exist. A 404 of a proxy does not count. */
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

/** The call that a connection was made for. */
export interface Call {
  /** The server, `192.168.0.2:6443`. */
  readonly where: string
  readonly signal: AbortSignal
  /** When it began, by `performance.now()`. */
  readonly beganAt: number
}

/** Translates an error of the connection. */
export function translate(error: unknown, { where, signal, beganAt }: Call): AgentError {
  if (error instanceof AgentError) return error
  const at = `the Kubernetes API at ${where}`
  if (signal.aborted) {
    const waited = notWithin(performance.now() - beganAt)
    return new AgentError('unreachable', `${at} did not answer ${waited}`, error)
  }
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(ERR_TLS_CERT_ALTNAME|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new AgentError(
      'misconfigured',
      `${at} presents a certificate that is not signed by the kubeconfig's CA (${messageOf(error)})`,
      error,
    )
  }
  return new AgentError('unreachable', `${at}: ${describeConnectionError(messageOf(error))}`, error)
}
