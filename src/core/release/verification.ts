import type { Proofs } from './proofs.ts'

/** What comes of hashing everything on the share once more. */
export interface VerificationAnswer {
  /** Whether nothing is wrong. */
  readonly isWhole: boolean
  readonly files: readonly VerifiedFile[]
  /** What the boot server serves, by name; none where no server is configured. */
  readonly served: readonly VerifiedServing[]
}

/** A file of an image, or what machines get under one of its names. */
export interface VerifiedPart {
  /** Below the share's directory. */
  readonly path: string
  readonly bytes: number
  /** As it was staged, in lower-case hex. */
  readonly sha256: string
  /** What is wrong with it, as a sentence; absent where it is as it was staged. */
  readonly fault?: string
}

export interface VerifiedFile extends VerifiedPart {
  readonly version: string
  /** What the Factory offered to check it by; absent where that is not known. */
  readonly proofs?: Proofs
}

export interface VerifiedServing {
  readonly file: string
  readonly server: string
  /** What is wrong, as a sentence; absent where machines get what is published. */
  readonly fault?: string
  /** What to do about it. */
  readonly action?: string
}

export interface VerificationRequests<Asked> {
  /** Hashes everything on the share once more, and reads back what the boot server serves. Takes as long as both do. */
  verify(asked: Asked): Promise<VerificationAnswer>
}
