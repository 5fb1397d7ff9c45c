import { AgentError } from '../../core/errors.ts'
import { type Api, ApiRefusal } from './api.ts'
import { asRecord } from './kubeconfig.ts'

/** An object of a built-in kind that says whether something else is there. */
export interface Witness {
  /** `customresourcedefinitions`. */
  readonly resource: string
  readonly name: string
  /** Of all of its kind: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`. */
  readonly collection: string
}

/**
 * Whether the cluster really lacks it, and does not only seem to. An API server that has just started serves custom kinds
 * late: their groups are missing in `/apis`, and their paths are 404, for some seconds (kubernetes
 * apiextensions-apiserver pkg/apiserver customresource_discovery_controller.go). The object that describes the kind is
 * in etcd all the time. So absent is what is not found twice, with the server ready in between. `unknown` is the
 * answer to who may not read the object, or gets another one.
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

/** Its own checks pass: discovery is complete, and the roles are known. @throws NotServed where they do not */
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
    // A 404 of what stands in front of the API server names nothing.
    if (error.status === 404 && kind === resource && named === name) return 'absent'
    throw error
  }
}

/** An error that passes: the kind is there, or was, and is not served at this moment. */
export class NotServed extends AgentError {
  constructor(what: string, cause?: unknown) {
    super('unreachable', `the Kubernetes API does not serve ${what} yet: it may have just started; trying again`, cause)
  }
}

/** Whether the API server refuses only because it has just started, or is busy. */
export function isStarting(error: unknown): boolean {
  return error instanceof NotServed || (error instanceof ApiRefusal && (error.status === 429 || error.status === 503))
}
