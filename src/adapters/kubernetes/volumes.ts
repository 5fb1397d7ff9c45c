import { setTimeout as sleep } from 'node:timers/promises'
import { describeDuration } from '../../core/duration.ts'
import { AgentError } from '../../core/errors.ts'
import { type Api, listOf } from './api.ts'

/** k8s.io/api storage/v1. It has no field selector for the node, so all are asked for. */
interface VolumeAttachmentObject {
  readonly metadata: { readonly name: string }
  readonly spec?: {
    readonly attacher?: string
    readonly nodeName?: string
    readonly source?: { readonly persistentVolumeName?: string }
  }
}

/** In ms. */
const pollInterval = 500

/**
 * Waits until no volume is attached to the node any more: a node that goes away with one leaves it locked to itself, and
 * its pods waiting elsewhere for some minutes (kubernetes pkg/controller/volume/attachdetach, maxWaitForUnmountDuration).
 * Volumes of pods that a drain leaves alone would stay, and fail it by their names.
 *
 * @throws AgentError `timed-out` with the names of those that are left
 */
export async function awaitDetached(api: Api, node: string, within: number, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(within)])
  const beganAt = performance.now()
  let left: readonly VolumeAttachmentObject[] | undefined
  while (true) {
    try {
      const all = await listOf<VolumeAttachmentObject>(api, '/apis/storage.k8s.io/v1/volumeattachments', limit)
      left = all.filter(({ spec }) => spec?.nodeName === node)
      if (left.length === 0) return
    } catch (error) {
      if (!limit.aborted && !(error instanceof AgentError && error.retryable)) throw error
    }
    if (!limit.aborted) await sleep(Math.min(pollInterval, within), undefined, { signal: limit }).catch(() => {})
    if (limit.aborted) throw new AgentError('timed-out', describe(node, left, performance.now() - beganAt))
  }
}

function describe(node: string, left: readonly VolumeAttachmentObject[] | undefined, after: number): string {
  if (left === undefined) return `the Kubernetes API did not report which volumes are attached to ${node}`
  const names = left.map(({ metadata, spec }) => {
    const name = spec?.source?.persistentVolumeName ?? metadata.name
    return spec?.attacher ? `${name} (${spec.attacher})` : name
  })
  return `still attached to ${node} ${describeDuration(after)} after its pods are gone: ${names.join(', ')}`
}
