import { expect, test } from 'vitest'
import type { Kubernetes } from '../../src/core/cluster/ports.ts'
import { soon } from '../patience.ts'

/** A minute's Lease for an upgrade, unless said otherwise. */
export const claim = (holder: string, more = {}) => ({ holder, purpose: 'upgrade' as const, lasts: 60_000, ...more })

/** What the Lease of the cluster promises to agents that ask for it. */
export function leaseContract(
  open: () => Promise<AsyncDisposable & { readonly kubernetes: Pick<Kubernetes, 'takeLease' | 'releaseLease'> }>,
): void {
  test('gives the lease of the cluster to one agent alone, as often as it asks', async () => {
    await using at = await open()
    const { kubernetes } = at
    expect(await kubernetes.takeLease(claim('in-process'), soon())).toEqual({ held: true })
    expect(await kubernetes.takeLease(claim('in-process'), soon())).toEqual({ held: true })
    const refused = await kubernetes.takeLease(claim('there'), soon())
    expect(refused).toMatchObject({ held: false, by: 'in-process', purpose: 'upgrade' })
    expect(!refused.held && refused.endsIn > 50_000 && refused.endsIn <= 60_000).toBe(true)
  })

  test('gives a lease that was given back to the next who asks, and one that is not theirs back for nobody', async () => {
    await using at = await open()
    const { kubernetes } = at
    await kubernetes.releaseLease('in-process', soon())
    await kubernetes.takeLease(claim('in-process'), soon())
    await kubernetes.releaseLease('there', soon())
    expect(await kubernetes.takeLease(claim('there'), soon())).toMatchObject({ held: false })
    await kubernetes.releaseLease('in-process', soon())
    expect(await kubernetes.takeLease(claim('there'), soon())).toEqual({ held: true })
    expect(await kubernetes.takeLease(claim('in-process'), soon())).toMatchObject({ held: false, by: 'there' })
  })

  test('gives a lease over when it has run out', async () => {
    await using at = await open()
    const { kubernetes } = at
    await kubernetes.takeLease(claim('in-process', { lasts: 1_000 }), soon())
    const theirs = () => kubernetes.takeLease(claim('there'), soon())
    expect(await theirs()).toMatchObject({ held: false })
    await expect.poll(theirs).toEqual({ held: true })
    expect(await kubernetes.takeLease(claim('in-process'), soon())).toMatchObject({ held: false, by: 'there' })
  })

  test('gives a lease to who takes it over, and the one before hears of it', async () => {
    await using at = await open()
    const { kubernetes } = at
    await kubernetes.takeLease(claim('in-process'), soon())
    const shutdown = claim('there', { purpose: 'shutdown', over: true })
    expect(await kubernetes.takeLease(shutdown, soon())).toEqual({ held: true })
    expect(await kubernetes.takeLease(claim('in-process'), soon())).toMatchObject({ by: 'there', purpose: 'shutdown' })
  })
}
