import type { Contract } from '../machine-config/origin.ts'
import type { MachineOrder } from './machine.ts'
import type { Claim, Way } from './question.ts'

/** Makes machine configurations from `config/machines/` and the secrets bundle, in memory. */
export interface ConfigRenderer {
  /** What is written for a machine with this claim; undefined where nothing matches. */
  match(claim: Claim): WrittenMachine | undefined
  /**
   * The configuration of a machine.
   *
   * @throws AgentError `misconfigured`, with everything that is wrong: no secrets bundle, a patch that can't be applied,
   *   what a node would refuse
   */
  render(order: MachineOrder, claim: Claim): Promise<RenderedConfig>
}

/** A machine as it is written in `machines.yaml`: what is written needs no choice when it is approved. */
export interface WrittenMachine extends Partial<MachineOrder> {
  readonly name: string
  readonly way?: Way | undefined
}

export interface RenderedConfig {
  /** The documents, with their secrets. */
  readonly text: string
  /** The same for people: each secret is `(secret)`. */
  readonly masked: string
  /** What the patches change of the configuration as it is generated, as a unified diff, masked. */
  readonly diff: string
  readonly contract: Contract
  /** The release that is installed, and the schematic with which. */
  readonly installs: { readonly version: string; readonly schematic: string }
  /** What a person should know before it is approved, as sentences. */
  readonly warnings: readonly string[]
}
