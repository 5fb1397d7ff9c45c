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
/** A database is a multiple of this, in bytes, and its digest is not (etcd client/v3/snapshot, hasChecksum). */
const sector = 512
/** The header of the first page is 16 bytes; then come magic, version and size of a page (bbolt internal/common/meta.go). */
const headBytes = 28
const magic = 0xed_0c_da_ed
const format = 2
/** etcd advises against more than 8 GiB; what has no end must not fill the disk on which the journal is. In bytes. */
const largest = 16 * 2 ** 30

/**
 * Writes a snapshot into an open file and checks it as `etcdutl snapshot restore` would: that it is a database of bbolt,
 * and that the digest at its end is right.
 *
 * @throws AgentError `unreachable` where it ended early or was called off, `malformed` where it is none; what the disk
 *   says is thrown as it comes
 */
export async function receive(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Received> {
  const content = createHash('sha256')
  let head = Buffer.alloc(0)
  // The last bytes so far: they may turn out to be the digest, which is not of what it digests.
  let tail = Buffer.alloc(0)
  let bytes = 0
  for await (const chunk of chunksOf(body, signal)) {
    bytes += chunk.length
    if (bytes > largest) throw new AgentError('malformed', `it has more than ${largest / 2 ** 30} GiB, and no end`)
    if (head.length < headBytes) {
      head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)])
      if (head.length === headBytes) checkHead(head)
    }
    const pending = Buffer.concat([tail, chunk])
    const settled = Math.max(0, pending.length - digestBytes)
    content.update(pending.subarray(0, settled))
    tail = Buffer.from(pending.subarray(settled))
    await file.appendFile(chunk)
  }
  checkEnd({ head, tail, bytes, content })
  return { bytes, sha256: content.update(tail).digest('hex') }
}

function checkHead(head: Buffer): void {
  if (head.readUInt32LE(16) !== magic) throw new AgentError('malformed', 'it is no database of etcd')
  const version = head.readUInt32LE(20)
  if (version !== format)
    throw new AgentError('malformed', `it is a database of bbolt's format ${version}, and only ${format} is known`)
  const page = head.readUInt32LE(24)
  if (page < sector || page % sector !== 0) throw new AgentError('malformed', `its pages are of ${page} bytes`)
}

function checkEnd({ head, tail, bytes, content }: { head: Buffer; tail: Buffer; bytes: number; content: Hash }): void {
  const early = new AgentError('unreachable', `it ended early, after ${bytes} bytes`)
  if (head.length < headBytes || bytes % sector !== digestBytes) throw early
  // A database has two pages that describe it at the least.
  if (bytes - digestBytes < 2 * head.readUInt32LE(24)) throw early
  if (!content.copy().digest().equals(tail))
    throw new AgentError('malformed', 'the checksum at its end is not that of what came before it: it was damaged')
}

/**
 * The stream, ended by the signal whether the stream itself heeds it or not. What it throws that is no AgentError is told
 * as a connection that broke off.
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
    const callOff = () => reject(new AgentError('unreachable', 'it was called off'))
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
  return new AgentError('unreachable', `it broke off: ${messageOf(error)}`, error)
}
