import type { Role } from '../cluster/cluster.ts'

/** What a machine tells of itself when a configuration is drawn up. */
export interface SurveyedMachine {
  /** The name that it registers under in Kubernetes, else its hostname; undefined where it tells neither. */
  readonly name: string | undefined
  readonly role: Role | undefined
  /** 32 hex digits; undefined where it does not say. */
  readonly machineId: string | undefined
  /** The running release, `v1.13.9`. */
  readonly version: string
  /** `amd64`, `arm64`; undefined where it does not say. */
  readonly architecture: string | undefined
  /** The Image Factory schematic that it runs; undefined where no Factory made its image. */
  readonly schematic: string | undefined
  /** That schematic's own text, YAML; undefined where the node does not have it. */
  readonly schematicText: string | undefined
  /** Where no Factory made its image: the extensions that it runs, as the Factory names them. */
  readonly extensions: readonly string[]
  /** The Factory that its image comes from, as an address; undefined where it does not say (before Talos 1.14). */
  readonly factory: string | undefined
  readonly links: readonly SurveyedLink[]
  readonly disks: readonly SurveyedDisk[]
  /** Of the whole cluster, as discovery tells this machine; empty where discovery is off. */
  readonly members: readonly ClusterMember[]
}

/** A network link of a machine. */
export interface SurveyedLink {
  /** `enp1s0`. */
  readonly name: string
  readonly index: number
  /** A card, and not a bond, a bridge, a VLAN. */
  readonly isCard: boolean
  /** As burned in, where that is told. */
  readonly mac: string | undefined
  readonly isUp: boolean
  /** The bond or bridge that it is part of, by its index. */
  readonly partOf: number | undefined
  /** What it stands on, by index: of a VLAN. */
  readonly standsOn: number | undefined
  /** Addresses, without their prefixes' lengths. */
  readonly addresses: readonly string[]
  /** What wakes the machine by it (ethtool): `magic`; undefined where Talos does not tell. */
  readonly wakesBy: readonly string[] | undefined
}

export interface SurveyedDisk {
  /** `/dev/sda`. */
  readonly path: string
  /** `500 GB`. */
  readonly size: string
  readonly model: string | undefined
  /** Talos itself is on it. */
  readonly isSystem: boolean
}

/** A machine of the cluster as others know it: discovery, or Kubernetes. */
export interface ClusterMember {
  readonly name: string
  readonly role: Role | undefined
  /** The one to use first. */
  readonly addresses: readonly string[]
}

/** A node of the configuration-to-be, and what is to be said of it. */
export interface SeenNode {
  readonly name: string
  readonly role: Role
  readonly address: string
  readonly macs: readonly string[]
  /** What the machine told; undefined where it did not answer, `trouble` says why. */
  readonly machine: SurveyedMachine | undefined
  readonly trouble?: string
}

export interface SeenCluster {
  readonly nodes: readonly SeenNode[]
  /** Longhorn, Ceph: storage systems in the cluster. */
  readonly storage: readonly string[]
  /** What a person should know of it, a sentence each. */
  readonly remarks: readonly string[]
}

/** A UPS of a server, and what it reports. */
export interface SeenUps {
  /** Its name in upsd. */
  readonly name: string
  readonly description: string | undefined
  readonly host: string
  readonly port: number
  /** `Back-UPS ES 700G`. */
  readonly model: string | undefined
  /** `OL CHRG`. */
  readonly status: string | undefined
  /** Of `charge`, `runtime` and `load`: what it tells. */
  readonly tells: readonly UpsFigure[]
  /** Why upsd refuses the login; undefined where it takes it, or none was tried. */
  readonly loginRefused: string | undefined
  /** Whether a login was tried. */
  readonly isUserTried: boolean
}

export type UpsFigure = 'charge' | 'runtime' | 'load'

/** The share, as it was tried. */
export interface SeenShare {
  readonly directory: string
  /** The TFTP server that served what was written there: `192.168.0.6`, `192.168.0.6:1069`. */
  readonly server: string | undefined
  /** What that server calls the folder, with a `/` at its end; empty for its root. */
  readonly prefix: string
}

/** A schematic that is to lie in schematics/. */
export interface SchematicChoice {
  /** The file's name, without .yaml. */
  readonly name: string
  /** What the Factory calls it, as the nodes tell; undefined where no Factory made their image. */
  readonly id: string | undefined
  /** The nodes that run it. */
  readonly nodes: readonly string[]
  /** The text of the file; undefined where the file is there already. */
  readonly text: string | undefined
}
