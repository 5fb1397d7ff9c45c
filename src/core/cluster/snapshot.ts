export interface EtcdSnapshot {
  /** Its absolute path. */
  readonly file: string
  /** ISO 8601. */
  readonly at: string
  readonly node: string
  /** The release that the cluster was about to go to. */
  readonly release: string
  readonly bytes: number
  readonly sha256: string
}
