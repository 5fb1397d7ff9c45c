import type { WrittenProbe } from '../../../core/doctor/ports.ts'
import { AgentError, type ErrorCode, messageOf } from '../../../core/errors.ts'
import type { ImageOrder, ImageRef, StagedImage } from '../../../core/release/image.ts'
import type { Download, Resume } from '../../../core/release/ports.ts'
import type { PublishedName, Surplus } from '../../../core/release/published.ts'
import type { Schematic } from '../../../core/release/schematic.ts'

/** What the process that touches the share is asked, and answers. Everything here passes through structuredClone. */
export interface Calls {
  readonly staged: { readonly given: undefined; readonly answer: readonly StagedImage[] }
  readonly names: { readonly given: undefined; readonly answer: readonly PublishedName[] }
  readonly stage: {
    readonly given: { readonly order: ImageOrder; readonly schematic: Schematic | undefined }
    readonly answer: StagedImage
  }
  readonly publish: { readonly given: { readonly file: string; readonly image: ImageRef }; readonly answer: undefined }
  readonly prune: { readonly given: Surplus; readonly answer: undefined }
  readonly probe: { readonly given: Uint8Array; readonly answer: Pick<WrittenProbe, 'file'> }
  readonly unprobe: { readonly given: string; readonly answer: undefined }
  readonly space: { readonly given: undefined; readonly answer: number }
}

export type CallName = keyof Calls

export type Request<Name extends CallName = CallName> = {
  readonly [K in Name]: { readonly id: number; readonly call: K; readonly given: Calls[K]['given'] }
}[Name]

/** An error as it passes from process to process. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
}

/** What the process asks back while it stages. */
export type Question =
  | { readonly ask: 'warm'; readonly order: ImageOrder }
  | { readonly ask: 'open'; readonly order: ImageOrder; readonly resume: Resume | undefined }

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | ({ readonly id: number } & Question)

export type Command =
  | Request
  | { readonly abort: number }
  /** To the last question: what `open` answers goes on at standard input, in frames. */
  | { readonly told: number | undefined | Omit<Download, 'body'> }
  | { readonly refused: Failure }

export function failureOf(error: unknown): Failure {
  return { code: error instanceof AgentError ? error.code : 'unreachable', message: messageOf(error) }
}

export function errorOf({ code, message }: Failure): AgentError {
  return new AgentError(code, message)
}

/** A frame begins with the length of what follows, four bytes. */
const ending = 0
const failing = 0xffff_ffff

export function frameHead(length: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(length)
  return head
}

export const lastFrame = (): Buffer => frameHead(ending)

export function failingFrame(failure: Failure): Buffer {
  const text = Buffer.from(JSON.stringify(failure))
  return Buffer.concat([frameHead(failing), frameHead(text.length), text])
}

/** Reads frames from a stream that goes on afterwards. */
export function createFrameReader(stream: AsyncIterable<Uint8Array>) {
  const chunks = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  /** Whoever stops in the middle of a body leaves the rest of it in the way. */
  let isWhole = true

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
      parts.push(part)
      have += part.length
    }
    return Buffer.concat(parts)
  }

  return {
    /** One body, to its end. @throws AgentError as whoever sends it had it */
    body: async function* (): AsyncGenerator<Uint8Array> {
      if (!isWhole) throw new AgentError('unreachable', 'the download was left in the middle')
      isWhole = false
      for (;;) {
        const length = (await exactly(4)).readUInt32BE()
        if (length === ending || length === failing) isWhole = true
        if (length === ending) return
        if (length === failing) {
          const text = await exactly((await exactly(4)).readUInt32BE())
          throw errorOf(JSON.parse(text.toString()) as Failure)
        }
        for (let left = length; left > 0;) {
          const part = await some(left)
          left -= part.length
          yield part
        }
      }
    },
  }
}
