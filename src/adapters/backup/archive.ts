import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import { type BackupFile, type Manifest, parseManifest } from '../../core/backup/manifest.ts'
import { syncFolder } from '../../sync-folder.ts'
import { blockSize, paddingOf, readHeader, writeHeader } from './tar.ts'

/** Last in the archive, because it tells of what was written. */
const manifestName = 'caretaker-backup.json'
const chunkSize = 1 << 18
/** In bytes: the list of a few hundred files. */
const largestManifest = 4 * 1_048_576

/** A file that goes into a backup. */
export interface Source extends Pick<BackupFile, 'place' | 'path' | 'mode'> {
  /** Where it is read, or what is in it. */
  readonly from: string | Buffer
}

/**
 * Writes a backup, for its owner alone. It has its name when it is whole, on the disk, and has been read back.
 *
 * @throws AgentError `rejected` where something else has its name; `misconfigured` where it can't be written
 */
export async function writeBackup(
  file: string,
  sources: readonly Source[],
  about: Omit<Manifest, 'files'>,
): Promise<Manifest> {
  await demandFree(file)
  const part = `${file}.part`
  try {
    await rm(part, { force: true })
    const manifest = await writeTo(part, sources, about)
    await readBackup(part)
    await rename(part, file)
    await syncFolder(dirname(file))
    return manifest
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('misconfigured', `the backup ${file} can't be written: ${messageOf(error)}`, error)
  } finally {
    await rm(part, { force: true }).catch(() => {})
  }
}

async function writeTo(part: string, sources: readonly Source[], about: Omit<Manifest, 'files'>): Promise<Manifest> {
  await using handle = await open(part, 'wx', 0o600)
  const modified = Math.floor(Date.parse(about.at) / 1_000)
  const files: BackupFile[] = []
  for (const { place, path, mode, from } of sources) {
    const name = `${place}/${path}`
    const written = typeof from === 'string' ? await copyFile(handle, { name, mode, modified, from }) : undefined
    if (written === undefined) await writeWhole(handle, { name, mode, modified, data: from as Buffer })
    files.push({ place, path, mode, ...(written ?? sumOf(from as Buffer)) })
  }
  const manifest = { ...about, files }
  await writeWhole(handle, { name: manifestName, mode: 0o600, modified, data: Buffer.from(JSON.stringify(manifest)) })
  await handle.write(Buffer.alloc(2 * blockSize))
  await handle.sync()
  return manifest
}

interface Entry {
  readonly name: string
  readonly mode: number
  readonly modified: number
}

async function writeWhole(handle: FileHandle, { data, ...entry }: Entry & { readonly data: Buffer }): Promise<void> {
  await handle.write(writeHeader({ ...entry, bytes: data.length }))
  await handle.write(Buffer.concat([data, Buffer.alloc(paddingOf(data.length))]))
}

/** As long as it is when it is opened: what is appended meanwhile is of the next backup. */
async function copyFile(handle: FileHandle, { from, ...entry }: Entry & { readonly from: string }) {
  await using source = await open(from, 'r')
  const { size } = await source.stat()
  await handle.write(writeHeader({ ...entry, bytes: size }))
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(chunkSize)
  for (let left = size; left > 0;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(left, chunkSize))
    if (bytesRead === 0) throw new AgentError('unreachable', `${from} was cut short while it was read`)
    hash.update(buffer.subarray(0, bytesRead))
    await handle.write(buffer, 0, bytesRead)
    left -= bytesRead
  }
  await handle.write(Buffer.alloc(paddingOf(size)))
  return { bytes: size, sha256: hash.digest('hex') }
}

/** Called with each file, a part at a time; `undefined` ends it. */
export type Receive = (name: string, data: Buffer | undefined) => Promise<void>

/**
 * Reads all of a backup and compares it with what it says of itself. With `receive` it hands on what it reads: whoever
 * listens does without it when this rejects.
 *
 * @throws AgentError `malformed` where it is none, or damaged; `misconfigured` where it can't be read
 */
export async function readBackup(file: string, receive?: Receive): Promise<Manifest> {
  try {
    await using handle = await open(file, 'r')
    const { manifest, found } = await readAll(handle, receive)
    const told = new Map(manifest.files.map((one) => [`${one.place}/${one.path}`, one]))
    for (const [name, { bytes, sha256 }] of found)
      if (told.get(name)?.sha256 !== sha256 || told.get(name)?.bytes !== bytes)
        throw new AgentError('malformed', `${name} in it is damaged`)
    if (told.size !== found.size || told.size !== manifest.files.length)
      throw new AgentError('malformed', 'files of it are missing')
    return manifest
  } catch (error) {
    if (error instanceof AgentError) throw new AgentError(error.code, `the backup ${file}: ${error.message}`, error)
    throw new AgentError('misconfigured', `the backup ${file} can't be read: ${messageOf(error)}`, error)
  }
}

async function readAll(handle: FileHandle, receive: Receive | undefined) {
  const found = new Map<string, { readonly bytes: number; readonly sha256: string }>()
  const isWhole = async (block: Buffer) => (await handle.read(block, 0, block.length)).bytesRead === block.length
  const cut = () => new AgentError('malformed', 'it is no backup of Caretaker, or was cut short')
  for (;;) {
    const block = Buffer.alloc(blockSize)
    const header = (await isWhole(block)) ? readHeader(block) : undefined
    if (!header) throw cut()
    const isLast = header.name === manifestName
    if (found.has(header.name) || (isLast && header.bytes > largestManifest)) throw cut()
    const parts: Buffer[] = []
    const hash = createHash('sha256')
    for (let left = header.bytes; left > 0;) {
      const data = Buffer.alloc(Math.min(left, chunkSize))
      if (!(await isWhole(data))) throw cut()
      hash.update(data)
      if (isLast) parts.push(data)
      else await receive?.(header.name, data)
      left -= data.length
    }
    if (!(await isWhole(Buffer.alloc(paddingOf(header.bytes))))) throw cut()
    if (isLast) return { manifest: parseManifest(parseJson(Buffer.concat(parts))), found }
    await receive?.(header.name, undefined)
    found.set(header.name, { bytes: header.bytes, sha256: hash.digest('hex') })
  }
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'))
  } catch {
    throw new AgentError('malformed', 'its list of files is damaged')
  }
}

function sumOf(data: Buffer) {
  return { bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') }
}

/** An older backup of that name is replaced, and nothing else. */
async function demandFree(file: string): Promise<void> {
  const info = await stat(file).catch(() => undefined)
  if (!info) return
  const isBackup = await readBackup(file).then(
    () => true,
    () => false,
  )
  if (!isBackup) throw new AgentError('rejected', `${file} exists, and is not a whole backup: name another file`)
}
