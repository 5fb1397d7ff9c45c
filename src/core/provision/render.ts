import type { Contract } from '../machine-config/origin.ts'
import type { MachineOrder } from './machine.ts'
import type { Claim, Way } from './question.ts'

/** Makes machine configurations from `config/machines/` and the secrets bundle, in memory. */
export interface ConfigRenderer {
  /** What is written for a machine with this claim; undefined where nothing matches. */
  match(claim: Claim): WrittenMachine | undefined
  /** What is written for a machine of this name. */
  named(name: string): WrittenMachine | undefined
  /** What a person may choose when a machine is approved. */
  choices(): RenderChoices
  /**
   * The configuration of a machine. `booted`: the release that it runs while it asks, where that is known; else the one
   * that machines boot from the network.
   *
   * @throws AgentError `misconfigured`, with everything that is wrong: no secrets bundle, a patch that can't be applied,
   *   what a node would refuse
   */
  render(order: MachineOrder, claim: Claim, booted?: string): Promise<RenderedConfig>
}

/** A machine as it is written in `machines.yaml`: what is written needs no choice when it is approved. */
export interface WrittenMachine extends Partial<MachineOrder> {
  readonly name: string
  readonly way?: Way | undefined
}

export interface RenderChoices {
  /** The names of the machines that are written. */
  readonly machines: readonly string[]
  /** The files of patches in the folder. */
  readonly patches: readonly string[]
}

export interface RenderedConfig {
  /** The documents, with their secrets: never to be logged, kept or shown. */
  readonly text: string
  /** The same for people: each secret is `(secret)`. */
  readonly masked: string
  /** What the patches change of the configuration as it is generated, as a unified diff, masked. */
  readonly diff: string
  readonly contract: Contract
  /** The release that is installed, and the schematic with which. */
  readonly installs: { readonly version: string; readonly schematic: string }
  /** The files of patches that were applied, in their order. */
  readonly patches: readonly string[]
  /** What a person should know before it is approved, as sentences. */
  readonly warnings: readonly string[]
  /** The addresses that the machine gives itself by it. */
  readonly addresses: readonly string[]
  /** Words of others that may repeat something of it, without its secrets. */
  hide(words: string): string
}
