import type { SchematicChoice, SeenCluster, SeenShare } from './seen.ts'
import type { LabelledUps } from './upses.ts'

/** When nodes may be upgraded. `never`: images are staged, and no node is touched. */
export const upgradeTimes = ['weekends', 'nights', 'always', 'never'] as const
export type UpgradeTimes = (typeof upgradeTimes)[number]

/** Where a secret of the configuration is: never the secret itself. */
export type SecretPlace = { readonly file: string } | { readonly env: string }

/** Everything that a configuration is drawn up from: what was seen, and what a person has said. Paths as they are written. */
export interface Choices {
  readonly clusterName: string
  /** Undefined as long as there is no cluster. */
  readonly cluster:
    | {
        readonly talosconfig: string
        readonly context: string | undefined
        readonly kubeconfig: string | undefined
        readonly seen: SeenCluster
      }
    | undefined
  readonly factory: string | undefined
  /** The first is that of the nodes which name none. */
  readonly schematics: readonly SchematicChoice[]
  readonly share: SeenShare
  readonly upses: readonly LabelledUps[]
  readonly upsUser: { readonly user: string; readonly password: SecretPlace } | undefined
  /** By machine, the labels of the UPSes that feed it. Needed where there are several. */
  readonly feeds: Readonly<Record<string, readonly string[]>>
  readonly upgrades: UpgradeTimes
  readonly timeZone: string
  readonly state: string
}
