import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import type { LabAuthority } from '../authority.ts'
import type { LabImage, TalosNode } from '../talos/types.ts'

/**
 * What a machine does now. `stranger`: it came up, and belongs to another cluster than the lab's; the lab has no more
 * of it.
 */
export type MachineState = 'off' | 'searching' | 'maintenance' | 'installing' | 'installed' | 'stranger'

export interface LabMachineOptions {
  /** The only address that it has: it asks from there, and answers there. */
  readonly address: string
  /** Of its API. */
  readonly port?: number
  /** What its image holds. */
  readonly version: string
  readonly schematic: string
  /** The words of its kernel's command line that are of its schematic: `talos.config=http://…`. */
  readonly kernel?: readonly string[]
  readonly uuid: string
  readonly serial: string
  /** Of its first network card by name, which need not be the one that it asks through. */
  readonly mac: string
  /** What DHCP calls it (option 12), where it does. */
  readonly hostname?: string
  /** META 0x0b. */
  readonly code?: string
  /** So many times faster than a real machine. */
  readonly speed?: number
  readonly random?: () => number
  /** What its disks are called. */
  readonly disks?: readonly string[]
  /** Where a name leads. */
  readonly resolve?: (host: string) => string | undefined
  /** Of the cluster that its configuration is to be of. */
  readonly authority: LabAuthority
  /** What an installer image holds; undefined = there is no such image. */
  resolveImage(ref: string): LabImage | undefined
  /** The node that it becomes. @throws Error where its configuration belongs to another cluster */
  join(member: LabMember): TalosNode
  /** What it was is gone: it was reset. */
  leave?(): void
}

/** What a machine becomes by its configuration. */
export interface LabMember extends LabImage {
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  readonly address: string
  readonly mac: string
  readonly uuid: string
  readonly serial: string
  readonly config: MachineConfig
}

export interface LabMachine extends AsyncDisposable {
  readonly state: MachineState
  readonly address: string
  /** What it has come up as. */
  readonly node: TalosNode | undefined
  /** Of the key that its API in maintenance has now. */
  readonly fingerprint: string | undefined
  /** The configuration on its disk. */
  readonly config: string | undefined
  /** The lines on its screen since it booted. */
  readonly console: readonly string[]
  /** Disks that somebody wiped while it was in maintenance. */
  readonly wiped: readonly string[]
  onLine(listener: (line: string) => void): () => void
  onChange(listener: () => void): () => void
  powerOn(): void
  cutPower(): Promise<void>
  /** STATE and EPHEMERAL are wiped, META stays: it asks again, and is up without an installation. */
  reset(): Promise<void>
}
