import type { Role } from '../cluster/cluster.ts'

/** By what a machine in maintenance is known again. */
export interface MeantMachine {
  /** Of its key: see `MaintenanceLook`. */
  readonly fingerprint: string
  readonly uuid: string | undefined
  readonly mac: string | undefined
}

export interface MaintenanceLook {
  /** Of its key, as its console shows it: SHA-256 in base64. It is another one after each boot, and when its hostname or its time is set. */
  readonly fingerprint: string
  /** Of Talos: `v1.14.1`. */
  readonly version: string | undefined
  readonly uuid: string | undefined
  readonly serial: string | undefined
  /** `maintenance`; another one: it has got a configuration by now. */
  readonly stage: string | undefined
  readonly hostname: string | undefined
  readonly maker: string | undefined
  readonly product: string | undefined
  /** Of its network cards, as `normalMac` writes them. */
  readonly macs: readonly string[]
  readonly disks: readonly { readonly path: string; readonly size: string; readonly model: string | undefined }[]
}

/** A node of the cluster, and where it answers. */
export interface SeenMember {
  readonly look: MemberLook
  readonly address: string
}

/** What a node of the cluster tells of itself. */
export interface MemberLook {
  readonly uuid: string | undefined
  /** Its name in Kubernetes, or its hostname. */
  readonly name: string | undefined
  readonly role: Role | undefined
  /** As the MachineStatus resource spells it: `installing`, `booting`, `running`. */
  readonly stage: string | undefined
  readonly version: string | undefined
  readonly schematic: string | undefined
  /** Of its network cards, as `normalMac` writes them. */
  readonly macs: readonly string[]
}
