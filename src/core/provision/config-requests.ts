import type { Role } from '../cluster/cluster.ts'

/** What a person may ask about the configurations that machines get. */
export interface MachineConfigRequests<Asked> {
  /**
   * What a machine would get, or gets, with secrets masked.
   *
   * `misconfigured` where it can't be made, with everything that is wrong
   */
  render(request: RenderMachine, asked: Asked): Promise<RenderAnswer>
  /**
   * Takes the secrets of the cluster from a text: `secrets.yaml` of talosctl, or the configuration of a control plane.
   *
   * `rejected` where there are others already, unless they are to be replaced, or where they are of another cluster;
   * `malformed` where the text holds none, which repeats nothing of it.
   */
  importSecrets(
    request: { readonly text: string; readonly replace: boolean },
    asked: Asked,
  ): Promise<{ readonly said: string; readonly changed: boolean }>
}

export interface RenderMachine {
  /** One that asks, or the name of one in `machines.yaml`. */
  readonly machine: string
  readonly role?: Role | undefined
  readonly name?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly patches?: readonly string[] | undefined
}

export interface RenderAnswer {
  readonly name: string
  readonly role: Role
  /** The documents in YAML, line by line. */
  readonly masked: readonly string[]
  /** What the patches change of what is generated, as a unified diff, line by line; empty where they change nothing. */
  readonly diff: readonly string[]
  /** In the words of which release it is written: `1.14`. */
  readonly contract: string
  /** The release that is installed, and the id of the schematic with which. */
  readonly installs: { readonly version: string; readonly schematic: string }
  /** The files of patches that it is made with, in their order. */
  readonly patches: readonly string[]
  readonly warnings: readonly string[]
}
