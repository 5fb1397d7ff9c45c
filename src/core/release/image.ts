export type Architecture = 'amd64' | 'arm64'

/** A UKI to bring onto the share. */
export interface ImageOrder {
  /** The schematic's id, 64 hex digits. */
  readonly schematic: string
  readonly version: string
  readonly architecture: Architecture
  /** The schematic's own kernel arguments, which the UKI's command line must hold. */
  readonly kernelArguments: readonly string[]
}

export interface StagedImage {
  readonly version: string
  readonly schematic: string
  readonly architecture: string
  readonly sha256: string
  readonly bytes: number
  /** ISO 8601. */
  readonly stagedAt: string
  /** The path below the share's directory. */
  readonly path: string
  /** Whether the fixed name serves this one. */
  readonly published: boolean
}
