/** A rollout that a person has aborted, by its release. It stays so until a person starts rollouts again. */
export interface Abort {
  readonly release: string
  /** Who: `admin@nas (unverified)`; absent in records of 0.1.0, which don't say. */
  readonly by?: string
  /** ISO 8601: when. */
  readonly at?: string
}

/** That it is aborted, by whom, and how to take that back. */
export function describeAbort({ release, by }: Abort): string {
  return `the rollout of ${release} was aborted${by === undefined ? '' : ` by ${by}`}: start it again with \`caretaker rollout start\``
}
