import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishedName } from '../../core/release/published.ts'
import { listOwn, sha256Of, writeWhole } from './files.ts'
import { type Layout, publishedPath, recordPath } from './layout.ts'
import { type PublishedRecord, readRecord } from './manifest.ts'
import { findNames, type FoundName } from './staged.ts'

/** In ms: between a name and its record, where somebody publishes just now. */
const publishingTakes = 300

/** Every name that we have published, each looked at; its bytes are read only where it does not look as it was left. */
export async function readNames(layout: Layout): Promise<PublishedName[]> {
  const found: PublishedName[] = []
  const names = await findNames(layout)
  // A share whose images can't be read is no better than one whose names can't.
  await listOwn(join(layout.directory, 'talos'))
  for (const { file, record } of names) {
    const { served, bytes: _, stagedAt: __, sha256: ___, ...shown } = record
    found.push({ ...shown, file, bytes: served.bytes, fault: await lastingFault(layout, { file, record }) })
  }
  return found
}

/** What is wrong twice, as it may be published anew while it is looked at. */
async function lastingFault(layout: Layout, name: FoundName): Promise<string | undefined> {
  if ((await faultOf(layout, name)) === undefined) return undefined
  await sleep(publishingTakes)
  const record = (await readRecord(recordPath(layout, name.file))) ?? name.record
  return faultOf(layout, { ...name, record })
}

/** Size, time and number first, which cost nothing; then the bytes. */
async function faultOf(layout: Layout, { file, record }: FoundName): Promise<string | undefined> {
  const { served } = record
  const path = publishedPath(layout, file)
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (info instanceof Error) {
    if (info.code === 'ENOENT') return 'is gone'
    throw info
  }
  if (!info.isFile()) return 'is no file any more'
  if ((info.mode & 0o004) === 0) return "can't be read by others any more, such as a TFTP server"
  if (info.size !== served.bytes) return `has ${info.size} bytes, and ${served.bytes} were published`
  if (info.mtimeMs === served.mtimeMs && info.ino === served.ino) return undefined
  if ((await sha256Of(path)) !== served.sha256) return 'has other bytes than were published'
  // A copy, a share that was mounted anew, or a record of 0.1.0: the next look need not read it again.
  const seen: PublishedRecord = { ...record, served: { ...served, mtimeMs: info.mtimeMs, ino: info.ino } }
  await writeWhole(recordPath(layout, file), JSON.stringify(seen, null, 2)).catch(() => undefined)
  return undefined
}
