import { causesOf } from './answers.ts'
import { type Api, ApiRefusal, isMissing } from './api.ts'
import type { PodObject } from './pods.ts'

/**
 * Evicts a pod, if its disruption budget allows it. `left` limits its grace period, in seconds.
 *
 * @returns why the eviction was refused; undefined when it was accepted, or the pod is already gone
 */
export async function evict(
  api: Api,
  pod: PodObject,
  left: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, namespace } = pod.metadata
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: deleteOptions(pod, left),
  }
  try {
    await api.send({ method: 'POST', path: `${pathOf(pod)}/eviction`, body, signal })
    return undefined
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    if (isGone(error)) return undefined
    // From a proxy: it says nothing about the pod.
    if (error.status === 404) return error.message
    // 429: a disruption budget does not allow it now. 500: more than one budget matches the pod, and none ever will.
    if (error.status === 429) return describeBudget(error)
    if (error.status === 500) return error.message
    // An eviction is an object, and nothing is made any more in a namespace that is being deleted: its pods go with it.
    if (error.status === 403 && causesOf(error).some(({ reason }) => reason === 'NamespaceTerminating'))
      return `its namespace ${namespace} is being deleted`
    throw error
  }
}

/** Deletes a pod, whatever its budget says. @returns as `evict` */
export async function remove(
  api: Api,
  pod: PodObject,
  left: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await api.send({
      method: 'DELETE',
      path: pathOf(pod),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions(pod, left) },
      signal,
    })
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 404) throw error
    return isGone(error) ? undefined : error.message
  }
  return undefined
}

/** The pod is gone, or its whole namespace is. */
function isGone(error: ApiRefusal): boolean {
  return isMissing(error, 'pods') || isMissing(error, 'namespaces')
}

/** Deletes only the pod with this uid, with its own grace period or the time left, in seconds. */
function deleteOptions({ metadata, spec }: PodObject, left: number | undefined): object {
  const own = spec?.terminationGracePeriodSeconds ?? 30
  return {
    preconditions: { uid: metadata.uid },
    ...(left !== undefined && left < own ? { gracePeriodSeconds: left } : {}),
  }
}

function pathOf({ metadata: { name, namespace } }: PodObject): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`
}

/** `The disruption budget db needs 2 healthy pods and has 2 currently`. */
function describeBudget(refusal: ApiRefusal): string {
  const texts = causesOf(refusal).flatMap(({ message }) => (typeof message === 'string' ? [message] : []))
  return texts.join('; ') || refusal.message
}
