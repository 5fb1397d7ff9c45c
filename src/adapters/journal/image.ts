import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { obstacleAt } from './fault.ts'

/** The size of a page where the file does not tell: SQLite's own choice. */
const usualPage = 4_096
/** What is larger was not written by us, in bytes. */
const mostBytes = 128 * 2 ** 20
const headerBytes = 100
const magic = Buffer.from('SQLite format 3\0')

/**
 * A copy in memory of a file that SQLite may no longer open, with what its write-ahead log had committed
 * (https://sqlite.org/fileformat2.html). Nothing is written to the disk, so it works where that may not be. A block that
 * the disk does not give back is zeros; a header that is broken is made anew from `template`, a file of our own.
 *
 * @throws what the file system says where nothing can be read
 */
export function imageOf(path: string, template: () => Uint8Array): DatabaseSync {
  const log = attempt(() => readWhatIsThere(`${path}-wal`)) ?? Buffer.alloc(0)
  const main = log.length > 0 ? (attempt(() => readWhatIsThere(path)) ?? Buffer.alloc(0)) : readWhatIsThere(path)
  const whole = withLog(main, log)
  const bytes = withHeader(whole, template)
  const database = new DatabaseSync(':memory:')
  try {
    database.deserialize(bytes)
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch {
    database.close()
  }
  // The list of tables is gone as well: that of a new file leads to where ours begin.
  const again = new DatabaseSync(':memory:')
  again.deserialize(withFirstPage(bytes, template))
  return again
}

function readWhatIsThere(path: string): Buffer {
  const obstacle = obstacleAt(path)
  if (obstacle !== undefined) throw new Error(obstacle)
  const { size } = statSync(path)
  const bytes = Buffer.alloc(Math.min(size, mostBytes))
  const file = openSync(path, 'r')
  try {
    for (let at = 0; at < bytes.length; at += usualPage)
      attempt(() => readSync(file, bytes, at, Math.min(usualPage, bytes.length - at), at))
  } finally {
    closeSync(file)
  }
  return bytes
}

/** The file with the pages that its log has committed: frames with the log's salt, up to the last one that ends a commit. */
function withLog(main: Buffer, log: Buffer): Buffer {
  if (log.length < 32 || (log.readUInt32BE(0) & 0xfffffffe) !== 0x377f0682) return main
  const size = log.readUInt32BE(8)
  if (size < 512 || size > 65_536) return main
  const salt = log.subarray(16, 24)
  const frames: { readonly page: number; readonly data: Buffer }[] = []
  let committed = 0
  for (let at = 32; at + 24 + size <= log.length; at += 24 + size) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break
    frames.push({ page: log.readUInt32BE(at), data: log.subarray(at + 24, at + 24 + size) })
    if (log.readUInt32BE(at + 4) > 0) committed = frames.length
  }
  const pages = frames.slice(0, committed).filter(({ page }) => page > 0 && page * size <= mostBytes)
  const whole = Buffer.alloc(Math.max(main.length, ...pages.map(({ page }) => page * size)))
  main.copy(whole)
  for (const { page, data } of pages) data.copy(whole, (page - 1) * size)
  return whole
}

/** The file with a header that fits what is there; a copy in memory has no log. */
function withHeader(whole: Buffer, template: () => Uint8Array): Buffer {
  const isBroken = !whole.subarray(0, magic.length).equals(magic) || sizeOfPage(whole) === undefined
  const size = (isBroken ? undefined : sizeOfPage(whole)) ?? usualPage
  const bytes = Buffer.alloc(Math.max(size, Math.ceil(whole.length / size) * size))
  whole.copy(bytes)
  if (isBroken) Buffer.from(template()).copy(bytes, 0, 0, headerBytes)
  bytes[18] = bytes[19] = 1
  bytes.writeUInt32BE(bytes.length / size, 28)
  // The number of pages counts where these two are the same.
  bytes.copy(bytes, 92, 24, 28)
  // What is free is not told from what is not: nothing is written to this copy.
  bytes.writeUInt32BE(0, 32)
  bytes.writeUInt32BE(0, 36)
  return bytes
}

function withFirstPage(bytes: Buffer, template: () => Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  Buffer.from(template()).copy(copy, 0, 0, usualPage)
  return withHeader(copy, template)
}

function sizeOfPage(bytes: Buffer): number | undefined {
  if (bytes.length < headerBytes) return undefined
  const size = bytes.readUInt16BE(16)
  if (size === 1) return 65_536
  return size >= 512 && (size & (size - 1)) === 0 ? size : undefined
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
