/** A step that is being carried out now. */
export interface Activity {
  readonly job: string
  /** `drain w-1`. */
  readonly step: string
  /** ISO 8601. */
  readonly since: string
  /** The node's latest event. */
  readonly hint?: string
  /** How far a download is. */
  readonly progress?: Progress
}

export interface Progress {
  readonly doneBytes: number
  /** Absent where the server does not say. */
  readonly totalBytes?: number
}
