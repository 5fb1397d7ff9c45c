import type { Kubernetes, LeaseAnswer, LeaseClaim } from '../../core/cluster/ports.ts'
import { type Api, isMissing } from './api.ts'
import { despiteConflicts } from './conflicts.ts'
import { purposeAnnotation } from './marks.ts'

/** k8s.io/api coordination/v1. */
interface LeaseObject {
  readonly metadata: {
    readonly resourceVersion: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

const collection = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const name = 'caretaker'

/**
 * The cluster's Lease object. Whether another holder's lease has expired is judged by our own clock, as Kubernetes'
 * leader election does (client-go tools/leaderelection): it has expired when its renewal has not changed for the lease
 * duration. The renew time is written by the holder's clock; one that runs behind, for example after a power cut, would
 * make a live lease look expired. The price: a first observation counts as a renewal, so the lease of a dead holder is
 * taken over only after a full lease duration.
 */
export function createLease(api: Api): Pick<Kubernetes, 'takeLease' | 'releaseLease'> {
  let lastSeen = { renewal: '', at: 0 }

  /** The time until it expires, in ms; 0 when it has expired or has no holder. */
  function leftOf({ spec = {} }: LeaseObject): number {
    const { holderIdentity = '', renewTime, leaseTransitions, leaseDurationSeconds = 0 } = spec
    if (holderIdentity === '') return 0
    const renewal = JSON.stringify([holderIdentity, renewTime, leaseTransitions])
    if (renewal !== lastSeen.renewal) lastSeen = { renewal, at: performance.now() }
    return Math.max(0, lastSeen.at + leaseDurationSeconds * 1_000 - performance.now())
  }

  const find = (signal: AbortSignal): Promise<LeaseObject | undefined> =>
    api.send<LeaseObject>({ method: 'GET', path: `${collection}/${name}`, signal }).catch((error: unknown) => {
      if (isMissing(error, 'leases')) return undefined
      throw error
    })

  /** With the resource version, a concurrent change is a conflict and is not overwritten. */
  const patch = (
    { metadata: { resourceVersion } }: LeaseObject,
    spec: object,
    purpose: string | null,
    signal: AbortSignal,
  ) =>
    api.send({
      method: 'PATCH',
      path: `${collection}/${name}`,
      body: { metadata: { resourceVersion, annotations: { [purposeAnnotation]: purpose } }, spec },
      signal,
    })

  async function tryToTake({ holder, purpose, lasts, over }: LeaseClaim, signal: AbortSignal): Promise<LeaseAnswer> {
    const found = await find(signal)
    const now = microTime()
    const term = { holderIdentity: holder, leaseDurationSeconds: Math.max(1, Math.ceil(lasts / 1_000)), renewTime: now }
    if (!found) {
      const metadata = { name, namespace: 'kube-system', annotations: { [purposeAnnotation]: purpose } }
      const spec = { ...term, acquireTime: now, leaseTransitions: 0 }
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }
      await api.send({ method: 'POST', path: collection, body, signal })
      return { held: true }
    }
    const { holderIdentity: by, leaseTransitions = 0 } = found.spec ?? {}
    if (by === holder) {
      await patch(found, term, purpose, signal)
      return { held: true }
    }
    const left = leftOf(found)
    if (left > 0 && !over)
      return {
        held: false,
        by: by ?? '',
        purpose: found.metadata.annotations?.[purposeAnnotation] ?? 'no purpose given',
        endsIn: left,
      }
    await patch(found, { ...term, acquireTime: now, leaseTransitions: leaseTransitions + 1 }, purpose, signal)
    return { held: true }
  }

  return {
    takeLease: (claim, signal) => despiteConflicts(signal, () => tryToTake(claim, signal)),
    releaseLease: (holder, signal) =>
      despiteConflicts(signal, async () => {
        const found = await find(signal)
        if (found?.spec?.holderIdentity !== holder) return
        // The object stays, with its count of transitions, and is free to take.
        await patch(found, { holderIdentity: null, renewTime: microTime() }, null, signal)
      }),
  }
}

/** A metav1.MicroTime has six digits after the point, or it is refused. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
