import { AgentError, messageOf } from '../../core/errors.ts'
import { asRecord } from './kubeconfig.ts'

/** The API server answered with an error: a Status (kubernetes apimachinery meta/v1). */
export class ApiRefusal extends AgentError {
  readonly status: number
  readonly details: unknown

  constructor(status: number, message: string, details: unknown) {
    // 429 and 5xx pass; so does a conflict, when one looks again.
    super(status === 429 || status >= 500 || status === 409 ? 'unreachable' : 'rejected', message)
    this.status = status
    this.details = details
  }
}

/**
 * The document that was answered. `what` was asked for, `GET /version`, and `where`, for the error's words.
 *
 * @throws ApiRefusal where the status is none of success; AgentError `malformed` where the answer is no JSON
 */
export function readAnswer<T>(status: number, text: string, what: string, where: string): T {
  const parsed = parseObject(text)
  if (status >= 200 && status < 300) {
    if (parsed) return parsed as T
    throw new AgentError(
      'malformed',
      `the Kubernetes API at ${where} answers ${what} with something that is not JSON: ${text.slice(0, 80)}`,
    )
  }
  // What stands in front of the API server, as a load balancer without a backend, answers in its own words.
  const { message, details } = parsed ?? { message: `HTTP ${status} ${text.trim().slice(0, 80)}` }
  const words = typeof message === 'string' && message !== '' ? message : `HTTP ${status}`
  throw new ApiRefusal(status, `the Kubernetes API at ${where} refuses ${what}: ${words}`, details)
}

/** There is no such object of this resource. A 404 of what stands in front of the API server says nothing of it. */
export function isMissing(error: unknown, resource: string): boolean {
  return error instanceof ApiRefusal && error.status === 404 && asRecord(error.details)['kind'] === resource
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
  if (signal.aborted) return new AgentError('unreachable', `${at} has not answered in time`, error)
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(ERR_TLS_CERT_ALTNAME|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new AgentError(
      'misconfigured',
      `${at} shows a certificate that the kubeconfig's CA does not vouch for (${messageOf(error)})`,
      error,
    )
  }
  return new AgentError(
    'unreachable',
    `${at}: ${code === 'ECONNREFUSED' ? 'connection refused' : messageOf(error)}`,
    error,
  )
}
