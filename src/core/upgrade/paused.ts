/** A pause of rollouts. */
export interface Pause {
  readonly reason: string
  /** Who asked for it; absent in records of 0.1.0, which don't say. */
  readonly by?: string
  /** ISO 8601: when it was asked for. */
  readonly since?: string
}
