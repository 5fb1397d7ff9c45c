/** What a Factory offers to check an image by. The public one offers nothing. */
export interface Proofs {
  /** Lower-case hex, from `….sha256`; undefined where there is none. */
  readonly sha256: string | undefined
  /** Whether there is a Sigstore bundle (`….sigstore.json`). Nobody verifies it here. */
  readonly hasSignature: boolean
}
