/** The result of a request. */
export interface RequestAnswer {
  /** What changed, or why nothing did, as a sentence. */
  readonly said: string
  /** False if everything was as requested already. */
  readonly changed: boolean
}
