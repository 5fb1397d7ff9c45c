/** A step that is being carried out at this moment. */
export interface Activity {
  readonly job: string
  /** `drain w-1`. */
  readonly step: string
  /** ISO 8601. */
  readonly since: string
  /** What the node said last of what it does. */
  readonly hint?: string
}
