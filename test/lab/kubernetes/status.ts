import { qualified, type Resource } from './objects.ts'

/** A metav1.Status that says no; the API server answers every error with one. */
export interface Failure {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Failure'
  readonly message: string
  readonly reason?: string
  readonly details?: object
  readonly code: number
}

/** An error that the server turns into its status. */
export interface Refusal extends Error {
  readonly failure: Failure
  /** The header `Retry-After`, where it is not what the status says. */
  readonly retryAfter?: string | undefined
}

type Reason = { readonly reason?: string; readonly details?: object }

export function failure(code: number, message: string, { reason, details }: Reason = {}): Failure {
  const why = { ...(reason !== undefined && { reason }), ...(details !== undefined && { details }) }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...why, code }
}

export function refuse(code: number, message: string, why: Reason = {}): Refusal {
  return Object.assign(new Error(message), { failure: failure(code, message, why) })
}

export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && 'failure' in error
}

function about(resource: Resource, name: string): object {
  return { name, ...(resource.group !== '' && { group: resource.group }), kind: resource.plural }
}

/** For how long the client is asked to stay away, in seconds. */
export function retryAfterOf({ details }: Failure): number | undefined {
  const seconds = details !== undefined && 'retryAfterSeconds' in details ? details.retryAfterSeconds : undefined
  return typeof seconds === 'number' ? seconds : undefined
}

// The messages below are those of k8s.io/apimachinery pkg/api/errors; clients and people search for them.

export function badRequest(message: string): Refusal {
  return refuse(400, message, { reason: 'BadRequest' })
}

export function notFound(resource: Resource, name: string): Refusal {
  return refuse(404, `${qualified(resource)} "${name}" not found`, {
    reason: 'NotFound',
    details: about(resource, name),
  })
}

export function noSuchResource(): Refusal {
  return refuse(404, 'the server could not find the requested resource', { reason: 'NotFound', details: {} })
}

export function methodNotAllowed(): Refusal {
  const message = 'the server does not allow this method on the requested resource'
  return refuse(405, message, { reason: 'MethodNotAllowed', details: {} })
}

export function alreadyExists(resource: Resource, name: string): Refusal {
  const message = `${qualified(resource)} "${name}" already exists`
  return refuse(409, message, { reason: 'AlreadyExists', details: about(resource, name) })
}

export function conflict(resource: Resource, name: string, because?: string): Refusal {
  const modified = 'the object has been modified; please apply your changes to the latest version and try again'
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${because ?? modified}`
  return refuse(409, message, { reason: 'Conflict', details: about(resource, name) })
}

export function unsupportedMediaType(accepted: readonly string[]): Refusal {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
  return refuse(415, message, { reason: 'UnsupportedMediaType', details: {} })
}

/** What is wrong with a field of an object. */
export interface InvalidField {
  readonly field: string
  readonly problem: string
  /** `FieldValueInvalid` and the like. */
  readonly cause: string
}

export function invalid(resource: Resource, name: string, { field, problem, cause }: InvalidField): Refusal {
  const group = resource.group === '' ? '' : `.${resource.group}`
  const message = `${resource.kind}${group} "${name}" is invalid: ${field}: ${problem}`
  const details = { name, ...(resource.group !== '' && { group: resource.group }), kind: resource.kind }
  const causes = [{ reason: cause, message: problem, field }]
  return refuse(422, message, { reason: 'Invalid', details: { ...details, causes } })
}

/** 429 of an eviction, with the budget that refuses (kubernetes pkg/registry/core/pod/storage/eviction.go). */
export function disruptionRefused(cause: string, retryAfterSeconds?: number): Refusal {
  return refuse(429, "Cannot evict pod as it would violate the pod's disruption budget.", {
    reason: 'TooManyRequests',
    details: {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  })
}
