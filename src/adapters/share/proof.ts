import { rename, rm, stat } from 'node:fs/promises'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import { type HeldImage, isHeldStill, judgeBytes, type KnownBytes, OtherBytes } from '../../core/release/known-bytes.ts'
import type { Factory } from '../../core/release/ports.ts'
import { sha256Of } from './files.ts'
import { discard, download, type Part } from './part.ts'

/** What is remembered of what URLs answered. */
export interface BytesMemory {
  recall(source: string): KnownBytes | undefined | Promise<KnownBytes | undefined>
  remember(known: KnownBytes): void | Promise<void>
}

/** Remembers nothing. */
export const noMemory: BytesMemory = { recall: () => undefined, remember: () => {} }

/** Where bytes that are not taken are kept apart, beside the download. */
export const heldPath = (part: string) => `${part}.held`

export interface Proving {
  readonly factory: Pick<Factory, 'warm' | 'open'>
  readonly memory: BytesMemory
  readonly now: () => Date
}

/**
 * Downloads into `path`, and holds what has come against what the Factory says of it, and what its URL answered before.
 * Other bytes than before are kept apart, and not downloaded once more for a day: a person may accept them.
 *
 * @throws AgentError `malformed` where the Factory's own checksum is another; OtherBytes
 */
export async function downloadProven(
  path: string,
  order: ImageOrder,
  { factory, memory, now }: Proving,
  signal: AbortSignal,
): Promise<Part> {
  const accepted = await takeAccepted(path, order, { factory, memory, now }, signal)
  if (accepted) return accepted
  const part = await download(path, order, factory, signal)
  const { sha256, source, proofs } = part
  if (proofs.sha256 !== undefined && proofs.sha256 !== sha256) {
    await discard(path)
    throw new AgentError(
      'malformed',
      `what came for ${order.version} has the SHA-256 ${sha256}, and ${source} has ${proofs.sha256}, as the Factory says`,
    )
  }
  const { kind, known } = judgeBytes(await memory.recall(source), { ...part, version: order.version }, now())
  if (kind === 'other') {
    await rename(path, heldPath(path))
    await discard(path)
  }
  await memory.remember(known)
  if (kind === 'other') throw new OtherBytes(known as HeldImage)
  return part
}

/** What was kept apart, where a person has accepted it since. */
async function takeAccepted(
  path: string,
  order: ImageOrder,
  { factory, memory, now }: Proving,
  signal: AbortSignal,
): Promise<Part | undefined> {
  const apart = heldPath(path)
  const info = await stat(apart).catch(() => undefined)
  if (!info) return undefined
  const { source, proofs } = await askOnly(order, factory, signal)
  const known = await memory.recall(source)
  if (known && isHeldStill(known, now())) throw new OtherBytes(known)
  if (known === undefined || known.held !== undefined || (await sha256Of(apart)) !== known.sha256) {
    await rm(apart, { force: true })
    return undefined
  }
  await discard(path)
  await rename(apart, path)
  return { bytes: info.size, sha256: known.sha256, source, proofs }
}

/** Who would answer, without the answer. */
async function askOnly(order: ImageOrder, factory: Pick<Factory, 'open'>, signal: AbortSignal) {
  const over = new AbortController()
  try {
    const { source, proofs, body } = await factory.open(order, undefined, AbortSignal.any([signal, over.signal]))
    const told = { source, proofs: await proofs(signal) }
    await body[Symbol.asyncIterator]().return?.()
    return told
  } finally {
    over.abort()
  }
}
