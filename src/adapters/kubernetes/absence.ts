import { AgentError } from '../../core/errors.ts'
import { type Api, ApiRefusal } from './api.ts'
import { asRecord } from './kubeconfig.ts'

/** An object of a built-in kind whose existence proves that something else exists. */
export interface Witness {
  /** `customresourcedefinitions`. */
  readonly resource: string
  readonly name: string
  /** Of all of its kind: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`. */
  readonly collection: string
}

/**
 * Whether the cluster really lacks it. An API server that has just started serves custom kinds
 * late: their groups are missing in `/apis`, and their paths are 404, for some seconds (kubernetes
 * apiextensions-apiserver pkg/apiserver customresource_discovery_controller.go). The object that describes the kind is
 * in etcd all the time. So it counts as absent when it is not found twice, with the server ready in between. `unknown`
 * means that our role may not read the object, or that another object was returned.
 *
 * @throws AgentError where the API server is not ready, or something in front of it answers
 */
export async function testify(
  api: Pick<Api, 'send'>,
  witness: Witness,
  signal: AbortSignal,
): Promise<'there' | 'absent' | 'unknown'> {
  const first = await find(api, witness, signal)
  if (first !== 'absent') return first
  await demandReady(api, signal)
  return find(api, witness, signal)
}

/** Requires `/readyz`: discovery is complete, and the roles are loaded. @throws NotServed where it fails */
export async function demandReady(api: Pick<Api, 'send'>, signal: AbortSignal): Promise<void> {
  try {
    await api.send<string>({ method: 'GET', path: '/readyz', as: 'text', signal })
  } catch (error) {
    throw error instanceof ApiRefusal && error.status >= 500 ? new NotServed('all of its APIs', error) : error
  }
}

async function find(
  api: Pick<Api, 'send'>,
  { resource, name, collection }: Witness,
  signal: AbortSignal,
): Promise<'there' | 'absent' | 'unknown'> {
  try {
    const path = `${collection}/${encodeURIComponent(name)}`
    const { metadata } = await api.send<{ metadata?: unknown }>({ method: 'GET', path, signal })
    return asRecord(metadata)['name'] === name ? 'there' : 'unknown'
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    if (error.status === 403) return 'unknown'
    const { kind, name: named } = asRecord(error.details)
    // A 404 of a proxy or load balancer names no object.
    if (error.status === 404 && kind === resource && named === name) return 'absent'
    throw error
  }
}

/** A temporary error: the kind exists, or did, and is not served right now. */
export class NotServed extends AgentError {
  constructor(what: string, cause?: unknown) {
    super('unreachable', `the Kubernetes API does not serve ${what} yet: it may have just started; trying again`, cause)
  }
}

/** Whether the API server refuses only because it has just started, or is busy. */
export function isStarting(error: unknown): boolean {
  return error instanceof NotServed || (error instanceof ApiRefusal && (error.status === 429 || error.status === 503))
}
