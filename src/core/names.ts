/** Names, each in the order of the configuration, releases newest first. */
export interface NamesAnswer {
  readonly nodes: readonly string[]
  readonly hosts: readonly string[]
  readonly upses: readonly string[]
  readonly jobs: readonly string[]
  /** On their way into the cluster, those that asked last first. */
  readonly machines: readonly string[]
  /** Those that the Image Factory has offered last. */
  readonly releases: readonly string[]
}
