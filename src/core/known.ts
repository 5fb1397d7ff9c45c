import type { SeenCluster } from './cluster/cluster.ts'
import type { Step } from './plan.ts'
import type { StagedImage } from './release/image.ts'
import type { ServiceStatus } from './service.ts'

/** What was seen last, and what the daemon knows of itself: a part of what its status tells, without a look. */
export interface KnownAnswer {
  readonly version: string
  /** Undefined: nobody has looked since the start. */
  readonly cluster: SeenCluster | undefined
  /** What was on the share, and when, ISO 8601. */
  readonly staged: { readonly images: readonly StagedImage[]; readonly observedAt: string } | undefined
  /** Jobs that run, by name, and what is done by the steps that are being carried out. */
  readonly running: readonly string[]
  readonly steps: readonly Step['do'][]
  /** Entries of the queue by state; undefined where its store does not answer. */
  readonly queue: Readonly<Record<string, number>> | undefined
  readonly services: readonly ServiceStatus[]
  /** What is wrong with the configuration file, or which changes need a restart. */
  readonly configuration: string | undefined
}
