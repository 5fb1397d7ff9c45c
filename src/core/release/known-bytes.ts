import { AgentError } from '../errors.ts'
import type { RecordKind } from '../records.ts'
import { flag, number, object, optional, text, time } from '../shape.ts'
import type { Proofs } from './proofs.ts'

/**
 * What a URL of the Factory answered first. It should answer the same for ever; a Factory that is upgraded may build an image anew,
 * and somebody between us and it may have changed one (siderolabs/image-factory#184: TLS is the integrity layer).
 */
export interface KnownBytes {
  /** The URL, without credentials. */
  readonly source: string
  readonly version: string
  /** Lower-case hex: what is taken without a question. */
  readonly sha256: string
  /** ISO 8601. */
  readonly since: string
  /** What the Factory offered to check it by, when it came last. */
  readonly proofs: Proofs
  /** Other bytes that the same URL answered, which wait for a person. */
  readonly held?: HeldBytes | undefined
}

export interface HeldBytes {
  readonly sha256: string
  readonly bytes: number
  /** ISO 8601: when they came last. */
  readonly at: string
}

export const knownBytesKind: RecordKind<KnownBytes> = {
  name: 'image-bytes',
  parse: object<KnownBytes>({
    source: text,
    version: text,
    sha256: text,
    since: time,
    proofs: object<Proofs>({ sha256: optional(text), hasSignature: flag }),
    held: optional(object<HeldBytes>({ sha256: text, bytes: number, at: time })),
  }),
  keyOf: ({ source }) => source,
  isOpen: ({ held }) => held !== undefined,
  retention: { most: 1_000 },
}

/** An image as it came from a URL. */
export interface Arrived {
  readonly source: string
  readonly version: string
  readonly sha256: string
  readonly bytes: number
  readonly proofs: Proofs
}

/** `known` is to be remembered; `other`: what has come is to be kept apart from what machines boot. */
export type BytesJudgement = { readonly kind: 'first' | 'same' | 'other'; readonly known: KnownBytes }

/** Bytes that wait for a person. */
export type HeldImage = KnownBytes & { readonly held: HeldBytes }

/** What is made of the bytes that a URL answers, by what it answered first. */
export function judgeBytes(before: KnownBytes | undefined, arrived: Arrived, now: Date): BytesJudgement {
  const { source, version, sha256, bytes, proofs } = arrived
  const at = now.toISOString()
  if (!before) return { kind: 'first', known: { source, version, sha256, since: at, proofs } }
  const { held: _, ...rest } = before
  // The first bytes are back: what was held came from somewhere for a while.
  if (before.sha256 === sha256) return { kind: 'same', known: { ...rest, proofs } }
  return { kind: 'other', known: { ...rest, held: { sha256, bytes, at } } }
}

/** In ms: so long what is held is not asked for again, unless a person accepts it. */
const heldFor = 24 * 3_600_000

/** Whether what this URL answers need not be downloaded once more, only to be held again. */
export function isHeldStill(known: KnownBytes | undefined, now: Date): known is HeldImage {
  return known?.held !== undefined && now.getTime() - Date.parse(known.held.at) < heldFor
}

/** A person has looked at the difference, and takes what is held. */
export function acceptHeld(known: KnownBytes, now: Date): KnownBytes {
  const { held, ...rest } = known
  return held === undefined ? known : { ...rest, sha256: held.sha256, since: now.toISOString() }
}

/** Why what has come is kept apart, with both digests. */
export function describeHeld({ source, version, sha256, since, held }: HeldImage): string {
  const before = `${source} answered ${sha256} on ${since.slice(0, 10)}`
  return `the Factory sends other bytes for ${version} than before: ${before}, and now ${held.sha256}; they are kept apart`
}

/** What a person may do about it. */
export function acceptanceOf({ held }: HeldImage): string {
  const command = `\`caretaker stage --accept ${held.sha256.slice(0, 16)}\``
  return `If the Factory has rebuilt it, as after an upgrade of its own, accept it with ${command}`
}

/** An image whose bytes are not those that its URL answered first. It is kept apart. */
export class OtherBytes extends AgentError {
  readonly known: HeldImage

  constructor(known: HeldImage) {
    super('rejected', `${describeHeld(known)}. ${acceptanceOf(known)}`)
    this.known = known
  }
}
