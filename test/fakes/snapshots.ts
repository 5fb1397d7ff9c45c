import type { EtcdSnapshot } from '../../src/core/cluster/snapshot.ts'
import type { Snapshots } from '../../src/core/cluster/ports.ts'

/** Snapshots in memory. `note` is told of each. */
export function fakeSnapshots(note: (entry: string) => Promise<void>): Snapshots {
  const kept: EtcdSnapshot[] = []
  return {
    list: async () => kept.toReversed(),
    keep: async ({ node, release }, body, signal) => {
      await note(`snapshot-etcd ${node}`)
      let bytes = 0
      for await (const chunk of body) bytes += chunk.length
      signal.throwIfAborted()
      const file = `/snapshots/${kept.length + 1}`
      const snapshot = { file, at: new Date().toISOString(), node, release, bytes, sha256: 'c'.repeat(64) }
      kept.push(snapshot)
      return snapshot
    },
  }
}
