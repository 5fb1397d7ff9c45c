/** How a file travels to firmware. */
export type Carrier = 'tftp' | 'http'

/** A transfer of a file to a machine, as it was asked for. */
export interface Transfer {
  /** Counts up for as long as the boot server runs; no two transfers at a time share it. */
  readonly id: number
  readonly by: Carrier
  /** The address of the machine: IPv4 as `192.168.0.21`, IPv6 as RFC 5952 writes it. */
  readonly client: string
  /** Its MAC address in lower case with colons, where the kernel's neighbour table knows it. */
  readonly mac: string | undefined
  /** The name that the machine asked for, cleaned, at most 255 letters long. */
  readonly file: string
}

/** Of a transfer by HTTP: where the part begins that was asked for; absent where that is the file's beginning. */
interface OfPart {
  readonly from?: number
}

/**
 * What the boot server has seen of one transfer. `at` is ISO 8601. Every `boot.started` is followed by exactly one of
 * `boot.done` and `boot.aborted`, unless the boot server itself ends; `boot.probed` and `boot.refused` stand alone.
 */
export type TransferEvent =
  /**
   * Asked for the size and hung up, as EDK2 does before each read (MdeModulePkg, PxeBcGetFileSize): error 8 after our
   * OACK, or HEAD by HTTP. No failure, and nothing was transferred.
   */
  | { readonly type: 'boot.probed'; readonly at: string; readonly transfer: Transfer; readonly bytes: number }
  | (OfPart & {
      readonly type: 'boot.started'
      readonly at: string
      readonly transfer: Transfer
      /** Size of the whole file. */
      readonly bytes: number
      /** What version of the file it is: two transfers with the same word read the same bytes. */
      readonly version: string
      /** What was negotiated; undefined by HTTP. */
      readonly options: { readonly blockSize: number; readonly windowSize: number } | undefined
    })
  /** So many bytes have arrived, as far as the machine has said, or by HTTP have left: at most one a second and transfer. */
  | (OfPart & {
      readonly type: 'boot.progressed'
      readonly at: string
      readonly transfer: Transfer
      readonly arrived: number
    })
  | (OfPart & {
      readonly type: 'boot.done'
      readonly at: string
      readonly transfer: Transfer
      /** What was transferred: a part of the file where HTTP asked for one. */
      readonly bytes: number
      /** How long it took, in ms. */
      readonly took: number
      /** Packets that were sent again; 0 by HTTP. */
      readonly resent: number
    })
  | (OfPart & {
      readonly type: 'boot.aborted'
      readonly at: string
      readonly transfer: Transfer
      readonly arrived: number
      readonly reason: AbortReason
      /** What the machine said of it, or the system, for people; may be empty. */
      readonly text: string
    })
  | {
      readonly type: 'boot.refused'
      readonly at: string
      readonly transfer: Transfer
      readonly reason: RefusalReason
    }

/** A machine that runs something already, as far as it is known who it is. */
export interface StartedMachine {
  /** The address that it speaks from, as in `Transfer`. */
  readonly client: string
  /** What it says itself, and nobody has proven: as `normalMac` writes it, and in lower case. */
  readonly mac?: string | undefined
  readonly uuid?: string | undefined
}

/** What a machine was answered that asked for its configuration: it is to wait, has got it, or gets none. */
export type ConfigurationAnswer = 'pending' | 'delivered' | 'refused'

/** What was seen of a machine after its image was loaded. `at` is ISO 8601. */
export type StartEvent =
  /** Talos has asked for its machine configuration (`talos.config`), once more each time that it asks. */
  | {
      readonly type: 'boot.configuration'
      readonly at: string
      readonly machine: StartedMachine
      readonly answer: ConfigurationAnswer
    }
  /** Talos' API answers there. */
  | { readonly type: 'boot.running'; readonly at: string; readonly machine: StartedMachine }

/**
 * Why a transfer ended early. `changed`: the machine found the file larger than it had been told (EDK2's PXE-E05). `slow`: others
 * had no room, and it took next to nothing, or more places than they.
 */
export type AbortReason = 'silent' | 'hung-up' | 'changed' | 'unreadable' | 'slow' | 'stopped'

/**
 * Why a request got no file. `forbidden`: the name leads out of what is served, or to no plain file; `busy`: too many
 * transfers, of this machine or in all; `unsupported`: a write, or a mode other than octet.
 */
export type RefusalReason = 'not-found' | 'forbidden' | 'unreadable' | 'busy' | 'unsupported'
