import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../../core/errors.ts'
import { ApiRefusal, causesOf, CredentialsEnded } from './answers.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly signal: AbortSignal
}

/**
 * Pauses before a 403 or a 401 is asked about again, in ms. An API server that has just started knows no roles yet, and
 * forbids everything to everybody outside system:masters until its informers have them (kubernetes pkg/registry/rbac). It
 * may not know anybody by a token yet either (kubernetes/kubernetes issue 65785).
 */
const refusalPauses = [250, 650]
/** A persistent refusal counts at once when the same is requested again within this time, in ms. */
const believedFor = 60_000
/** A longer `Retry-After` is left to the caller, in ms. */
const longestPause = 10_000
const mostPauses = 10

/**
 * Sends again what an API server refuses only because it is starting or busy: a 403 or a 401 until it has lasted, and a
 * 429 or 5xx after the time that it asks for (`Retry-After`; k8s.io/client-go rest/with_retry.go). All within the signal.
 * What it answers so is refused before anything was done, and all that we write can be written twice. `send` hears whether
 * it is asked again because of a 401.
 */
export function createRetries(): <T>(request: Request, send: (unknown: boolean) => Promise<T>) => Promise<T> {
  /** By what was asked for: until when its 403 is believed; and a 401, whatever was asked for. */
  const believed = new Map<string, number>()

  return async (request, send) => {
    const kind = kindOf(request)
    let refusals = 0
    let isUnknown = false
    for (let pauses = 0; ; pauses++) {
      try {
        const answer = await send(isUnknown)
        believed.delete(kind)
        believed.delete(unknown)
        return answer
      } catch (error) {
        if (!(error instanceof ApiRefusal)) throw error
        if (error.status === 403 || error.status === 401) {
          isUnknown = error.status === 401
          const what = isUnknown ? unknown : kind
          if (isFinal(error) || (believed.get(what) ?? 0) > performance.now()) throw error
          const pause = refusalPauses[refusals++]
          if (pause === undefined) {
            believed.set(what, performance.now() + believedFor)
            throw error
          }
          await rest(pause, request.signal)
          // It may have been temporary.
          if (request.signal.aborted) throw new AgentError('unreachable', error.message, error)
          continue
        }
        const { status, retryAfter } = error
        if ((status !== 429 && status < 500) || retryAfter === undefined || isFinal(error)) throw error
        if (retryAfter > longestPause || pauses >= mostPauses) throw error
        await rest(retryAfter, request.signal)
        if (request.signal.aborted) throw error
      }
    }
  }
}

/** A key that no request has as its method. */
const unknown = 'unknown'

/**
 * Refusals for a reason that no pause takes away: an eviction that a disruption budget forbids, which has its own time
 * to be asked again, an object that is made in a namespace on its way out, and credentials that have ended.
 */
function isFinal(error: ApiRefusal): boolean {
  if (error instanceof CredentialsEnded) return true
  return causesOf(error).some(({ reason }) => reason === 'DisruptionBudget' || reason === 'NamespaceTerminating')
}

/** What a role is about: the method, and the path without the names of namespaces and objects. */
function kindOf({ method, path }: Request): string {
  const [place = ''] = path.split('?')
  const [, root = '', rest = ''] = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)\/(.*)$/.exec(place) ?? []
  const [resource, name, subresource] = rest.replace(/^namespaces\/[^/]+\/(?=.)/, '').split('/')
  return root === '' ? `${method} ${place}` : [method, root, resource, name && '*', subresource].join(' ')
}

/** Ends early where the signal does. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
