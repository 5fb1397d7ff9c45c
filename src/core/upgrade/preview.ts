import type { Cluster } from '../cluster/cluster.ts'
import type { TargetDecision } from '../release/target.ts'
import type { UpgradeDecision } from './decision.ts'

/** What the next run of `upgrade-node` would do, with its reasons. */
export interface UpgradePreview {
  readonly cluster: Cluster
  /** What the release policy says. */
  readonly release: TargetDecision
  /** By what a person holds that release back, while it waits too; a sentence each. */
  readonly held: readonly string[]
  /** The release that nodes are brought to now; undefined when no node tells what it runs. */
  readonly version: string | undefined
  readonly decision: UpgradeDecision
  /** The nodes to come, in order. */
  readonly order: readonly string[]
  /** How long all of them take, in ms, by what nodes have taken before. */
  readonly takes: number
  /** Those of them whose step a person has to approve. */
  readonly toApprove: readonly string[]
  /** What a person should know of it beside what it waits for. */
  readonly warnings: readonly string[]
}
