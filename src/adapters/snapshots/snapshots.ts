import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { during } from '../../core/errors.ts'
import type { EtcdSnapshot } from '../../core/cluster/snapshot.ts'
import type { Snapshots } from '../../core/cluster/ports.ts'
import { syncFolder } from '../../sync-folder.ts'
import { receive } from './receive.ts'
import { clear, type Label, labelSuffix, nameOf, partPrefix, readStore, take, translateError } from './store.ts'

export interface SnapshotsOptions {
  /** Made where it is missing, for its owner only. */
  readonly directory: string
  /** How many are kept, the one just taken among them. */
  readonly keep: number
  readonly now?: () => Date
}

/**
 * Snapshots of etcd in a directory, each with a label beside it. They hold every secret of Kubernetes, in the clear unless
 * the cluster encrypts them itself: only the owner may read them.
 *
 * A snapshot is written beside, checked and flushed; then its label; only then does it get its name. So one that has both
 * is whole, whenever the power went.
 */
export function createSnapshots({ directory, keep, now = () => new Date() }: SnapshotsOptions): Snapshots {
  const keepOne: Snapshots['keep'] = async (about, body, signal) => {
    try {
      return await bring(about, body, signal)
    } catch (error) {
      throw during(`snapshot of etcd from ${about.node}`, translateError(directory, error))
    }
  }

  async function bring(
    { node, release }: { readonly node: string; readonly release: string },
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<EtcdSnapshot> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const part = join(directory, `${partPrefix}${randomBytes(8).toString('hex')}`)
    try {
      const received = await writePart(part, body, signal)
      const snapshot = await name(part, { at: now().toISOString(), node, release, ...received })
      // What can't be removed now is removed after the next snapshot; this one is safe.
      await clear(directory, keep, snapshot.file, now()).catch(() => undefined)
      return snapshot
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined)
      throw error
    }
  }

  async function writePart(part: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    const file = await open(part, 'wx', 0o600)
    try {
      const received = await receive(file, body, signal)
      await file.sync()
      return received
    } finally {
      await file.close()
    }
  }

  async function name(part: string, label: Label): Promise<EtcdSnapshot> {
    const { file, at } = await writeLabel(label)
    try {
      await rename(part, file)
      await syncFolder(directory)
    } catch (error) {
      await take(file)
      throw error
    }
    return { file, ...label, at }
  }

  /** Finds a free name: with a clock that stands still, names would repeat. */
  async function writeLabel(label: Label): Promise<{ file: string; at: string }> {
    for (let later = 0; ; later++) {
      const at = new Date(Date.parse(label.at) + later).toISOString()
      const file = join(directory, nameOf({ ...label, at }))
      const handle = await open(`${file}${labelSuffix}`, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST' || later > 1_000) throw error
      })
      if (!handle) continue
      try {
        await handle.writeFile(`${JSON.stringify({ ...label, at }, null, 2)}\n`)
        await handle.sync()
        return { file, at }
      } catch (error) {
        await rm(`${file}${labelSuffix}`, { force: true })
        throw error
      } finally {
        await handle.close()
      }
    }
  }

  return { list: () => readStore(directory), keep: keepOne }
}
