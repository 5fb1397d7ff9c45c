import type { Role } from '../cluster/cluster.ts'
import type { Approval, ConfigDelivery, MachineOrder, MachineState } from './machine.ts'
import type { InventoryNode } from './inventory.ts'
import type { Way } from './question.ts'

/** What a person may ask about machines on their way into the cluster, and request of them. */
export interface MachineRequests<Asked> {
  /** Those that wait for a person first, then those that asked last. Also machines that were only seen booting. */
  list(): readonly MachineAnswer[]
  /** By its name, UUID, MAC address, address or code. */
  find(request: { readonly machine: string }): MachineDetails
  /** What it shows on its screen, where it waits in maintenance. */
  console(request: { readonly machine: string }): ConsoleAnswer
  /** The machines that have joined, as `nodes` of the configuration. */
  inventory(): readonly InventoryNode[]
  /** What it would become. `misconfigured` where that is neither said nor written. */
  orderFor(request: ApproveMachine): MachineOrder
  /**
   * Lets it have its configuration once. Where several claim to be this machine, it has to be named by its code.
   *
   * `rejected` where it must not be: a control plane while the cluster is whole or without evidence, unless forced.
   */
  approve(request: ApproveMachine, asked: Asked): Promise<MachineChange>
  /** `allBut`: everyone who claims to be it but who asks from this address, also those who come within the next hour. */
  reject(
    request: {
      readonly machine: string
      readonly reason?: string | undefined
      readonly allBut?: string | undefined
    },
    asked: Asked,
  ): Promise<MachineChange>
  /** Forgets all that is known of it: if it asks again it is new. A node of the inventory is none any more. */
  forget(request: { readonly machine: string }, asked: Asked): Promise<MachineChange>
}

/** What changed, or why nothing did, as a sentence. */
export interface MachineChange {
  readonly said: string
  readonly changed: boolean
}

export interface ApproveMachine {
  readonly machine: string
  /** May be left out where `machines.yaml` says it. */
  readonly role?: Role | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly patches?: readonly string[] | undefined
  /** Of its key, as the person has seen it, where it waits in maintenance: `rejected` where it has another one by now. */
  readonly fingerprint?: string | undefined
  readonly force: boolean
}

/** Times are ISO 8601. */
export interface MachineAnswer {
  readonly id: string
  readonly name: string | undefined
  /** `seen`: it was seen booting, and has not asked yet. */
  readonly state: MachineState | 'seen'
  readonly since: string
  readonly role: Role | undefined
  readonly mac: string | undefined
  readonly maker: string | undefined
  readonly serial: string | undefined
  readonly uuid: string | undefined
  readonly address: string | undefined
  readonly way: Way | undefined
  /** What its console shows. */
  readonly code: string | undefined
  readonly lastAt: string
  /** Until when it asks again at the latest, if it is left alone. Absent: it does not ask by itself, or not any more. */
  readonly asksBy?: string | undefined
  /** Where it stands, as a sentence. */
  readonly said: string
  /** What to do next, as a sentence; absent: nothing. */
  readonly next: string | undefined
}

export interface MachineDetails extends MachineAnswer {
  /** Everyone who asks under its id. */
  readonly claimants: readonly {
    readonly address: string
    readonly code: string
    readonly asked: number
    readonly firstAt: string
    readonly lastAt: string
    readonly mac: string | undefined
    readonly serial: string | undefined
    readonly hostname: string | undefined
  }[]
  /** What speaks for it (it loaded our image from this address 40 s ago), and what is odd, a sentence each. */
  readonly evidence: readonly { readonly kind: 'for' | 'missing' | 'odd'; readonly text: string }[]
  readonly approval: Pick<Approval, 'at' | 'until' | 'by'> | undefined
  readonly delivery: ConfigDelivery | undefined
  readonly order: MachineOrder | undefined
  /** Files of patches that a person may choose. */
  readonly patchFiles: readonly string[]
  /** What it tells of itself in maintenance. Absent: it is not there. */
  readonly maintenance?: MaintenanceAnswer | undefined
}

export interface MaintenanceAnswer {
  /** When it was looked at, ISO 8601. */
  readonly at: string
  /** Of its key, as its console shows it. */
  readonly fingerprint: string
  /** Of Talos. */
  readonly version: string | undefined
  readonly product: string | undefined
  readonly disks: readonly { readonly path: string; readonly size: string; readonly model: string | undefined }[]
  /** What others may do to it while it waits, as a sentence. */
  readonly risk: string
}

/** The screen of a machine in maintenance. */
export interface ConsoleAnswer {
  readonly address: string | undefined
  /** The oldest first; bounded. */
  readonly lines: readonly string[]
}
