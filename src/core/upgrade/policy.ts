import type { Check } from '../cluster/check.ts'
import type { SchematicParts } from '../cluster/cluster.ts'
import type { DisruptionPolicy } from '../cluster/disruption.ts'
import type { DrainPolicy, RebootMode } from '../cluster/drain.ts'
import type { ImageOrder } from '../release/image.ts'
import type { Window } from './window.ts'

/** Durations in ms. */
export interface UpgradePolicy extends DisruptionPolicy {
  readonly windows: readonly Window[]
  /** The zone that windows and blackouts are in. */
  readonly timeZone: string
  /** The zone of times that people read: that of `TZ`, else the same. */
  readonly shownZone: string
  readonly order: 'workers-first' | 'control-planes-first'
  /** The first node of all, and how long it is watched before the next one. */
  readonly canary?: { readonly node: string; readonly watch: number } | undefined
  /** Which releases a person must approve: those of another minor version, or all. */
  readonly approval: 'none' | 'minor' | 'always'
  /** `staged`: installs at any time, and reboots in a window. */
  readonly mode: 'direct' | 'staged'
  /** So much of a window must be left for one more node, until this cluster's own history tells. */
  readonly nodeEstimate: number
  /** How long a node must have stayed healthy before the next one. */
  readonly settle: number
  readonly attempts: number
  /** What becomes of a node that booted its previous release: a person is asked, or it is tried once more by a firmware boot. */
  readonly afterRollback: 'ask' | 'powercycle'
  /** What upgrades may take away that nodes have now: extensions, kernel arguments, … by name. */
  readonly mayLose: readonly string[]
  readonly drainTimeout: number
  readonly draining: DrainingPolicy
  readonly installTimeout: number
  readonly rebootTimeout: number
  readonly rebootMode: RebootMode
  /** The user's own conditions, and how long they may take to hold again after a node came back. */
  readonly checks: readonly Check[]
  readonly checksTimeout: number
}

/** How a node is drained for its upgrade. Durations in ms. */
export interface DrainingPolicy {
  /** What becomes of a node whose drain is refused: it waits for it, is left for later, or its pods are deleted. */
  readonly whenBlocked: 'wait' | 'skip' | 'delete'
  /** With `delete`: after this time. With `skip`: how long the node is left alone. */
  readonly blockedTimeout: number
  readonly emptyDir: 'delete' | 'keep'
  readonly unmanaged: 'delete' | 'keep'
  readonly last: readonly { readonly selector: string; readonly timeout?: number | undefined }[]
  readonly tierTimeout?: number | undefined
  readonly volumeDetachTimeout: number
}

export interface UpgradeTarget {
  readonly version: string
  /** The registry of the Image Factory: `factory.talos.dev`. */
  readonly registry: string
  /** The schematic's id that each node is to run. */
  schematicOf(node: string): string
  /** The official extensions in that schematic. */
  extensionsOf(node: string): readonly string[]
  /** What else is in that schematic. */
  partsOf(node: string): SchematicParts
  /** How this node reboots, where it differs from the others. */
  rebootModeOf(node: string): RebootMode | undefined
  /** What a node without an installation is to boot; undefined for all others. */
  networkBootOf?(node: string, version: string): NetworkBoot | undefined
}

/** An image of one release under the name that one node boots. */
export interface NetworkBoot {
  readonly order: ImageOrder
  /** On the share. */
  readonly file: string
}

/** The same in the words of a drain. */
export function drainPolicyOf({ draining }: UpgradePolicy): DrainPolicy {
  const { whenBlocked, blockedTimeout, emptyDir, unmanaged, last, tierTimeout, volumeDetachTimeout } = draining
  return {
    ordered: true,
    volumeDetachTimeout,
    ...(whenBlocked === 'delete' ? { deleteAfter: blockedTimeout } : {}),
    ...(emptyDir === 'keep' ? { keepEmptyDir: true } : {}),
    ...(unmanaged === 'keep' ? { keepUnmanaged: true } : {}),
    ...(last.length > 0
      ? { last: last.map(({ selector, timeout }) => (timeout === undefined ? { selector } : { selector, timeout })) }
      : {}),
    ...(tierTimeout === undefined ? {} : { tierTimeout }),
  }
}
