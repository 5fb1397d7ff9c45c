import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createSnapshots, type SnapshotsOptions } from '../../../src/adapters/snapshots/snapshots.ts'
import type { EtcdSnapshot } from '../../../src/core/cluster/snapshot.ts'
import type { Snapshots } from '../../../src/core/cluster/ports.ts'
import { fnv1a } from '../../lab/talos/bbolt.ts'
import { soon } from '../../patience.ts'

/** A directory for snapshots on this machine's disk. */
export interface SnapshotsLab extends AsyncDisposable {
  /** Not there before the first snapshot. */
  readonly directory: string
  /** What the clock says; a minute later at each look. */
  now: number
  open(options?: Partial<SnapshotsOptions>): Snapshots
  keep(body?: AsyncIterable<Uint8Array>, about?: { node?: string; release?: string }): Promise<EtcdSnapshot>
  /** Names of everything in it, hidden ones too. */
  files(): Promise<string[]>
}

export async function startSnapshotsLab(): Promise<SnapshotsLab> {
  const parent = await mkdtemp(join(tmpdir(), 'caretaker-snapshots-'))
  const directory = join(parent, 'state', 'snapshots')
  const lab: SnapshotsLab = {
    directory,
    now: Date.parse('2026-11-22T03:00:00Z'),
    open: (options = {}) =>
      createSnapshots({ directory, keep: 3, now: () => new Date((lab.now += 60_000)), ...options }),
    keep: (body = inChunks(snapshotOf('a')), about = {}) =>
      lab.open().keep({ node: 'cp-1', release: 'v1.13.9', ...about }, body, soon()),
    files: async () =>
      readdir(directory).then(
        (names) => names.sort(),
        () => [],
      ),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  }
  return lab
}

const page = 4_096

/** What of a database can be other than it should. */
export interface Database {
  readonly pages?: number
  readonly version?: number
  readonly magic?: number
  readonly pageSize?: number
  /** How many pages it says to have. */
  readonly says?: number
}

/**
 * A database as bbolt begins it (go.etcd.io/bbolt internal/common: a page's header of 16 bytes, then magic, version, the
 * page's size and how many there are, with a checksum, twice over), with the digest that etcd appends.
 */
export function snapshotOf(content: string, options: Database = {}): Buffer {
  const { pages = 8, version = 2, magic = 0xed0cdaed, pageSize = page, says = pages } = options
  const database = Buffer.alloc(pages * page, content)
  for (const number of [0, 1]) {
    const at = number * page
    database.fill(0, at, at + 80)
    database.writeBigUInt64LE(BigInt(number), at)
    database.writeUInt16LE(4, at + 8)
    database.writeUInt32LE(magic, at + 16)
    database.writeUInt32LE(version, at + 20)
    database.writeUInt32LE(pageSize, at + 24)
    database.writeBigUInt64LE(BigInt(says), at + 56)
    database.writeBigUInt64LE(fnv1a(database.subarray(at + 16, at + 72)), at + 72)
  }
  return withDigest(database)
}

/** What etcd sends of a database: its sha256 behind it. */
export function withDigest(database: Buffer): Buffer {
  return Buffer.concat([database, createHash('sha256').update(database).digest()])
}

/** What an etcd 3.6.10 sent as its snapshot: a few nodes of Kubernetes, compacted once, and a lease. */
export async function realSnapshot(): Promise<Buffer> {
  return gunzipSync(await readFile(new URL('etcd-3.6.10.snapshot.gz', import.meta.url)))
}

/** As it comes over a connection, in pieces; `then` happens after the last of them. */
export async function* inChunks(bytes: Buffer, size = 1_000, then?: () => Promise<void>): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  await then?.()
}

export async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}
