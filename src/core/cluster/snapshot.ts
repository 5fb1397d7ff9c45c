export interface EtcdSnapshot {
  /** Its absolute path. */
  readonly file: string
  /** ISO 8601. */
  readonly at: string
  readonly node: string
  /** The target release at that time. */
  readonly release: string
  readonly bytes: number
  readonly sha256: string
}
