/** How a machine reboots: with kexec where possible, through the firmware, or without stopping anything. */
export type RebootMode = 'default' | 'powercycle' | 'force'

/** What a drain does about pods that a disruption budget protects, and in which order pods go. */
export interface DrainPolicy {
  /** After this many ms of refused evictions pods are deleted all the same; undefined: never, the drain fails instead. */
  readonly deleteAfter?: number
  /** No pod gets longer than this to stop, whatever it asks for, in ms. */
  readonly maxGrace?: number
  /** In tiers: plain pods, then those with volumes, then `last`. Absent: all at once. */
  readonly ordered?: true
  /** Pods that go last, each of these label selectors by itself, for at most `timeout` ms. */
  readonly last?: readonly { readonly selector: string; readonly timeout?: number }[]
  /** How long plain pods and those with volumes may take, in ms; undefined: as long as the drain itself. */
  readonly tierTimeout?: number
  /** How long to wait for volumes to detach once the pods are gone, in ms; undefined: not at all. */
  readonly volumeDetachTimeout?: number
  /** Pods that keep data in an `emptyDir` are not evicted: the drain fails and names them. */
  readonly keepEmptyDir?: true
  /** Pods without a controller are not evicted: the drain fails and names them. */
  readonly keepUnmanaged?: true
}
