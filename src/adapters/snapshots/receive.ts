import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'

/** What came, once it is known to be whole. */
export interface Received {
  readonly bytes: number
  /** Of the whole file, its own digest at the end among it; lower-case hex. */
  readonly sha256: string
}

/** etcd appends the sha256 of its database (etcd server/etcdserver/api/v3rpc/maintenance.go, Snapshot). */
const digestBytes = 32
/** A page is a multiple of this, in bytes. */
const sector = 512
/** More than any kernel's pages, in bytes. */
const largestPage = 2 ** 20
/** Where a page's meta begins, behind its header, and where it ends, with its own checksum (bbolt internal/common/meta.go). */
const metaAt = 16
const metaEnd = 80
const magic = 0xed_0c_da_ed
const format = 2
/** In bytes. etcd advises against more than 8 GiB; an endless stream must not fill the journal's disk. */
const largest = 16 * 2 ** 30

/**
 * Writes a snapshot into an open file and checks it as `etcdutl snapshot restore` would: that it is a database of bbolt,
 * as long as it says itself, and that the digest at its end is right.
 *
 * @throws AgentError `unreachable` where it ended early or was cancelled, `malformed` where it is invalid; errors of
 *   the disk are thrown as they are
 */
export async function receive(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Received> {
  const content = createHash('sha256')
  const head = createHead()
  // The last bytes so far: they may turn out to be the digest, which is not of what it digests.
  let tail = Buffer.alloc(0)
  let bytes = 0
  for await (const chunk of chunksOf(body, signal)) {
    bytes += chunk.length
    if (bytes > largest) throw new AgentError('malformed', `it is larger than ${largest / 2 ** 30} GiB`)
    head.add(chunk)
    if (head.database !== undefined && bytes > head.database + digestBytes)
      throw new AgentError('malformed', `it has data after its ${head.database} bytes and their checksum`)
    const pending = Buffer.concat([tail, chunk])
    const settled = Math.max(0, pending.length - digestBytes)
    content.update(pending.subarray(0, settled))
    tail = Buffer.from(pending.subarray(settled))
    await file.appendFile(chunk)
  }
  checkEnd({ database: head.database, tail, bytes, content })
  return { bytes, sha256: content.update(tail).digest('hex') }
}

/** The first two pages as they come: both describe the database, and etcd writes both anew for a snapshot (bbolt tx.go). */
interface Head {
  /** @throws AgentError `malformed` as soon as it is known to be no database */
  add(chunk: Uint8Array): void
  /** The database's length by its own account, in bytes; undefined until both pages were seen. */
  readonly database: number | undefined
}

function createHead(): Head {
  let head = Buffer.alloc(0)
  let page: number | undefined
  let database: number | undefined
  return {
    add(chunk) {
      if (database !== undefined) return
      head = Buffer.concat([head, chunk])
      if (page === undefined && head.length >= metaEnd) page = pageOf(head)
      if (page === undefined || head.length < page + metaEnd) return
      const pages = [0, page].map((at) => pagesIn(head.subarray(at + metaAt, at + metaEnd)))
      database = Math.max(...pages) * page
    },
    get database() {
      return database
    },
  }
}

/** How large its pages are, in bytes. */
function pageOf(head: Buffer): number {
  if (head.readUInt32LE(metaAt) !== magic) throw new AgentError('malformed', 'it is not an etcd database')
  const version = head.readUInt32LE(metaAt + 4)
  if (version !== format)
    throw new AgentError('malformed', `its bbolt format is ${version}, and only ${format} is supported`)
  const page = head.readUInt32LE(metaAt + 8)
  if (page < sector || page > largestPage || page % sector !== 0)
    throw new AgentError('malformed', `its page size of ${page} bytes is not valid`)
  return page
}

/** How many pages the database has, which a meta tells behind magic, version, the page's size and two roots. */
function pagesIn(meta: Buffer): number {
  if (meta.readUInt32LE(0) !== magic || meta.readBigUInt64LE(56) !== fnv1a(meta.subarray(0, 56)))
    throw new AgentError('malformed', 'its first pages are damaged')
  return Number(meta.readBigUInt64LE(40))
}

/** FNV-1a of 64 bits. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}

interface End {
  readonly database: number | undefined
  readonly tail: Buffer
  readonly bytes: number
  readonly content: Hash
}

function checkEnd({ database, tail, bytes, content }: End): void {
  if (database === undefined || bytes < database + digestBytes)
    throw new AgentError('unreachable', `it ended early, after ${bytes} bytes`)
  if (!content.copy().digest().equals(tail))
    throw new AgentError('malformed', 'its checksum does not match: it is damaged')
}

/**
 * The stream, ended by the signal even if the stream ignores it. An error that is not an AgentError counts as a lost
 * connection.
 */
async function* chunksOf(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await orCalledOff(stream.next(), signal)
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not waited for: a generator that hangs never returns.
    void Promise.resolve(stream.return?.()).catch(() => undefined)
  }
}

function orCalledOff<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const callOff = () => reject(new AgentError('unreachable', 'it was cancelled'))
    if (signal.aborted) callOff()
    signal.addEventListener('abort', callOff, { once: true })
    step
      .then(resolve, (error: unknown) => {
        if (signal.aborted) callOff()
        else reject(error instanceof AgentError ? error : brokeOff(error))
      })
      .finally(() => signal.removeEventListener('abort', callOff))
  })
}

function brokeOff(error: unknown): AgentError {
  return new AgentError('unreachable', `it was cut off: ${messageOf(error)}`, error)
}
