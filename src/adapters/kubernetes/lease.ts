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
 * The cluster's Lease object. Whether another holder's has run out is judged by our own clock alone, as the elections of
 * Kubernetes do (client-go tools/leaderelection): it has when we have seen the same renewal for as long as it was good.
 * The written time is the holder's clock, and one that runs behind, as a small computer's after a power cut, would make
 * its lease look as if it had run out while the holder is at work. The price: on our first look it counts as renewed
 * just now, so a dead holder's is ours only after we have looked for that long.
 */
export function createLease(api: Api): Pick<Kubernetes, 'takeLease' | 'releaseLease'> {
  let lastSeen = { renewal: '', at: 0 }

  /** For how many ms it is still good; 0 when it has run out, or is nobody's. */
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

  /** With the resource version, a change by somebody else since our look is a conflict and not overwritten. */
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
        // The object stays, with its count of holders; without one it is anybody's.
        await patch(found, { holderIdentity: null, renewTime: microTime() }, null, signal)
      }),
  }
}

/** A metav1.MicroTime has six digits after the point, or it is refused. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
