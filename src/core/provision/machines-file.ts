import type { Role } from '../cluster/cluster.ts'
import type { Tree, Path } from '../machine-config/tree.ts'
import type { Way } from './question.ts'

/** What a person has written in `config/machines/`. Nothing in it is a secret. */
export interface MachinesFile {
  /** Where Talos is installed, for machines that do not say it themselves. */
  readonly install?: InstallSetting | undefined
  /** In this order. */
  readonly patches: readonly SelectedPatch[]
  readonly machines: readonly MachineEntry[]
}

/** A patch that a machine gets because of what it is; without `for` every machine gets it. */
export interface SelectedPatch {
  /** Its name in the folder. */
  readonly file: string
  readonly for?: Selector | undefined
}

/** All that is given has to hold; of several addresses or numbers one. */
export interface Selector {
  readonly role?: Role | undefined
  readonly mac?: readonly string[] | undefined
  readonly uuid?: readonly string[] | undefined
  readonly serial?: readonly string[] | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

export interface MachineEntry {
  /** Its hostname, and its node's name. */
  readonly name: string
  /** By what it is known. */
  readonly match: Pick<Selector, 'mac' | 'uuid' | 'serial'>
  readonly role?: Role | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly patches: readonly string[]
  readonly install?: InstallSetting | undefined
  readonly way?: Way | undefined
}

/** Where Talos is installed. */
export interface InstallSetting {
  /** A device: `/dev/disk/by-id/nvme-Samsung_…`. */
  readonly disk?: string | undefined
  readonly diskSelector?: DiskSelector | undefined
  /** Whether the disk is wiped before. */
  readonly wipe: boolean
}

/** By what the disk is found, as Talos calls it; texts may hold `*`. */
export interface DiskSelector {
  /** `>= 100GB`. */
  readonly size?: string | undefined
  readonly model?: string | undefined
  readonly serial?: string | undefined
  readonly modalias?: string | undefined
  readonly uuid?: string | undefined
  readonly wwid?: string | undefined
  readonly busPath?: string | undefined
  readonly type?: 'nvme' | 'sd' | 'hdd' | 'ssd' | undefined
  /** An expression in CEL, which Talos 1.14 takes: `disk.serial == "S4EV"`. */
  readonly match?: string | undefined
}

/** A file of patches as it was read. */
export interface PatchFile {
  /** As it is named to people. */
  readonly path: string
  readonly documents: readonly {
    readonly tree: Tree
    placeOf(path: Path): { readonly line: number; readonly column: number }
  }[]
}

/** The folder as it was when it was read well last. */
export interface MachinesFolder {
  readonly file: MachinesFile
  /** By their names in the folder. */
  readonly patches: ReadonlyMap<string, PatchFile>
  /** What patches name as `{{ name }}`: secrets. */
  readonly values: ReadonlyMap<string, string>
  /** What is probably not meant so, a sentence each. */
  readonly warnings: readonly string[]
}

export const emptyFolder: MachinesFolder = {
  file: { patches: [], machines: [] },
  patches: new Map(),
  values: new Map(),
  warnings: [],
}
