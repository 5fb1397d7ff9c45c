import type { Role } from '../cluster/cluster.ts'
import type { RequestAnswer } from '../operator.ts'
import type { Approval, ConfigDelivery, MachineOrder, MachineState } from './machine.ts'
import type { Way } from './question.ts'

/** What a person may ask about machines on their way into the cluster, and request of them. */
export interface MachineRequests<Asked> {
  /** Those that wait for a person first, then those that asked last. Also machines that were only seen booting. */
  list(): readonly MachineAnswer[]
  /** By its name, UUID, MAC address, address or code. */
  find(request: { readonly machine: string }): MachineDetails
  /**
   * Lets it have its configuration once. Where several claim to be this machine, it has to be named by its code.
   *
   * `rejected` where it must not be: a control plane while the cluster is whole or without evidence, unless forced.
   */
  approve(request: ApproveMachine, asked: Asked): Promise<RequestAnswer>
  reject(
    request: { readonly machine: string; readonly reason?: string | undefined },
    asked: Asked,
  ): Promise<RequestAnswer>
  /** Forgets all that is known of it: if it asks again it is new. */
  forget(request: { readonly machine: string }, asked: Asked): Promise<RequestAnswer>
  /** What it would get, or gets, with secrets masked. */
  render(request: RenderMachine, asked: Asked): Promise<RenderAnswer>
}

export interface ApproveMachine {
  readonly machine: string
  /** May be left out where `machines.yaml` says it. */
  readonly role?: Role | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly patches?: readonly string[] | undefined
  readonly force: boolean
}

export interface RenderMachine {
  /** One that asks, or the name of one in `machines.yaml`. */
  readonly machine: string
  readonly role?: Role | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly patches?: readonly string[] | undefined
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
}

export interface RenderAnswer {
  readonly name: string
  readonly masked: string
  readonly diff: string
  readonly contract: string
  readonly warnings: readonly string[]
}
