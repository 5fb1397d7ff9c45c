import type { WrittenProbe } from '../../../core/doctor/ports.ts'
import { AgentError, type ErrorCode, messageOf } from '../../../core/errors.ts'
import { type HeldImage, type KnownBytes, OtherBytes } from '../../../core/release/known-bytes.ts'
import { ShareFull } from '../../../core/release/share-full.ts'
import type { Proofs } from '../../../core/release/proofs.ts'
import type { ImageOrder, ImageRef, StagedImage, StagedRef } from '../../../core/release/image.ts'
import type { Download, Resume } from '../../../core/release/ports.ts'
import type { PublishedName, Surplus } from '../../../core/release/published.ts'
import type { Schematic } from '../../../core/release/schematic.ts'
import type { UkiSection } from '../../../core/release/uki.ts'
import type { VerifiedPart } from '../../../core/release/verification.ts'

/** What the process that touches the share is asked, and answers. Everything here passes through structuredClone. */
export interface Calls {
  readonly digest: {
    readonly given: { readonly path: string; readonly most: number | undefined }
    readonly answer: string
  }
  readonly sections: { readonly given: { readonly path: string }; readonly answer: readonly UkiSection[] }
  readonly staged: { readonly given: undefined; readonly answer: readonly StagedImage[] }
  readonly names: { readonly given: undefined; readonly answer: readonly PublishedName[] }
  readonly stage: {
    readonly given: {
      readonly order: ImageOrder
      readonly schematic: Schematic | undefined
    } & Signers
    readonly answer: StagedImage
  }
  readonly verify: { readonly given: { readonly image: StagedRef } & Signers; readonly answer: readonly VerifiedPart[] }
  readonly publish: {
    readonly given: { readonly file: string; readonly image: ImageRef } & Signers
    readonly answer: undefined
  }
  readonly prune: { readonly given: Surplus; readonly answer: undefined }
  readonly probe: { readonly given: Uint8Array; readonly answer: Pick<WrittenProbe, 'file'> }
  readonly unprobe: { readonly given: string; readonly answer: undefined }
  readonly space: { readonly given: undefined; readonly answer: number | undefined }
  readonly writable: { readonly given: number | undefined; readonly answer: string | undefined }
}

/** Certificates, PEM, that signed images must be signed by. */
interface Signers {
  readonly signedBy: readonly string[]
}

export type CallName = keyof Calls

export type Request<Name extends CallName = CallName> = {
  readonly [K in Name]: { readonly id: number; readonly call: K; readonly given: Calls[K]['given'] }
}[Name]

/** An error as it passes from process to process. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  /** Of OtherBytes. */
  readonly held?: HeldImage
  /** Of ShareFull. */
  readonly full?: { readonly needed: number | undefined }
}

/** What the process asks back while it stages. */
export type Question =
  | { readonly ask: 'warm'; readonly order: ImageOrder }
  | { readonly ask: 'open'; readonly order: ImageOrder; readonly resume: Resume | undefined }
  /** Of what was opened last. */
  | { readonly ask: 'proofs' }
  | { readonly ask: 'recall'; readonly source: string }
  | { readonly ask: 'remember'; readonly known: KnownBytes }

/** An open download: `body` says which frames are its own. */
export interface Opened extends Omit<Download, 'body' | 'proofs'> {
  readonly body: number
}

export type Told = number | undefined | Opened | Proofs | KnownBytes

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | ({ readonly id: number } & Question)

export type Command =
  | Request
  | { readonly abort: number }
  /** To the last question: what `open` answers goes on at standard input, in frames. */
  | { readonly told: Told }
  | { readonly refused: Failure }

export function failureOf(error: unknown): Failure {
  const code = error instanceof AgentError ? error.code : 'unreachable'
  return {
    code,
    message: messageOf(error),
    ...(error instanceof OtherBytes ? { held: error.known } : {}),
    ...(error instanceof ShareFull ? { full: { needed: error.needed } } : {}),
  }
}

export function errorOf({ code, message, held, full }: Failure): AgentError {
  if (full) return new ShareFull(message, full.needed)
  return held ? new OtherBytes(held) : new AgentError(code, message)
}

/** A frame begins with the number of its body, and the length of what follows: four bytes each. */
const headSize = 8
const ending = 0
const failing = 0xffff_ffff

export function frameHead(body: number, length: number): Buffer {
  const head = Buffer.alloc(headSize)
  head.writeUInt32BE(body)
  head.writeUInt32BE(length, 4)
  return head
}

export const lastFrame = (body: number): Buffer => frameHead(body, ending)

export function failingFrame(body: number, failure: Failure): Buffer {
  const text = Buffer.from(JSON.stringify(failure))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([frameHead(body, failing), length, text])
}

/**
 * Reads bodies in frames from a stream, one after another. What is left of one that was not read to its end is passed over.
 * Each piece holds until the next is asked for, as those of the stream do.
 */
export function createFrameReader(stream: AsyncIterable<Uint8Array>) {
  const chunks = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  /** Of the frame that is being read. */
  let left = 0

  async function some(most: number): Promise<Uint8Array> {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done) throw new AgentError('unreachable', 'the process that downloads is gone')
      rest = next.value
    }
    const part = rest.subarray(0, most)
    rest = rest.subarray(part.length)
    return part
  }

  async function exactly(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for (let have = 0; have < length;) {
      const part = await some(length - have)
      parts.push(Uint8Array.from(part))
      have += part.length
    }
    return Buffer.concat(parts)
  }

  /** The next piece of the frame that is being read. */
  async function piece(): Promise<Uint8Array> {
    const part = await some(left)
    left -= part.length
    return part
  }

  async function failure(): Promise<Failure> {
    return JSON.parse((await exactly((await exactly(4)).readUInt32BE())).toString()) as Failure
  }

  return {
    /** One body, to its end. @throws AgentError as whoever sends it had it */
    body: async function* (number: number): AsyncGenerator<Uint8Array> {
      while (left > 0) await piece()
      for (;;) {
        const head = await exactly(headSize)
        const [of, length] = [head.readUInt32BE(), head.readUInt32BE(4)]
        const why = length === failing ? await failure() : undefined
        if (of === number && why) throw errorOf(why)
        if (of === number && length === ending) return
        left = why ? 0 : length
        while (left > 0) {
          const part = await piece()
          if (of === number) yield part
        }
      }
    },
  }
}
