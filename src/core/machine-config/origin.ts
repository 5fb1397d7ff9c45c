import type { Role } from '../cluster/cluster.ts'
import type { SecretsBundle } from './secrets.ts'

/** What a machine configuration is made from before anything is patched. */
export interface Origin {
  readonly role: Role
  readonly secrets: SecretsBundle
  readonly cluster: {
    readonly name: string
    /** Of Kubernetes: `https://192.168.0.2:6443`. */
    readonly endpoint: string
  }
  /** Without its `v`: `1.35.0`. */
  readonly kubernetes: string
  /** Where Talos is installed: a device, never guessed. Undefined: a patch says it. */
  readonly disk?: string | undefined
  /** The installer image, with the schematic and the release that are wanted. */
  readonly installer: string
  /** Whether nodes find each other through discovery.talos.dev. */
  readonly discovery: boolean
}

/** The shapes that a machine configuration has had. Each release reads those before it, too. */
export const contracts = ['1.12', '1.13', '1.14'] as const
export type Contract = (typeof contracts)[number]
