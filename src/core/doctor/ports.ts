import type { Life } from '../certificate-life.ts'
import type { NodeInspection } from './node.ts'
import type { FileAccess } from './files.ts'
import type { StoreFacts } from './store.ts'

/**
 * What only the doctor asks of the outside. Every call rejects with an AgentError, and ends soon after its signal aborts;
 * nothing of the homelab is changed by any of them, but for a small file on the share that is taken away again.
 */
export interface DoctorPorts {
  readonly share: ShareProbe
  readonly nodes: NodeProbe
  readonly upses: UpsProbe
  readonly channels: readonly ChannelProbe[]
  readonly machine: MachineProbe
  /** The configurations of machines; absent where no daemon makes them. */
  readonly configs?: ConfigProbe | undefined
}

export interface ConfigProbe {
  /** The machines that are written, by their names. */
  names(): readonly string[]
  /** Makes the configuration of one, and throws it away; answers what a person should know. Rejects with what is wrong with it. */
  check(name: string): Promise<readonly string[]>
}

/** The share as machines see it. */
export interface ShareProbe {
  /** Writes a small file with these bytes, and reads it back from the disk. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<WrittenProbe>
  /** Reads a file from the TFTP server, as firmware does; at most so many bytes of it. */
  fetch(file: string, most: number, signal: AbortSignal): Promise<Fetched>
}

export interface WrittenProbe {
  /** Its name on the share. */
  readonly file: string
  remove(): Promise<void>
}

export interface Fetched {
  readonly bytes: Uint8Array
  /** Of the whole file, in bytes; undefined where the server does not say. */
  readonly size: number | undefined
}

export interface NodeProbe {
  /** What is not observed all the time: its clock, its network cards. */
  inspect(node: string, signal: AbortSignal): Promise<NodeInspection>
}

export interface UpsProbe {
  /** All variables and instant commands, and who is logged in. */
  details(label: string, signal: AbortSignal): Promise<UpsInspection>
  /** Why upsd has refused our login; undefined where it has not. */
  loginRefused(label: string): string | undefined
  isLoggedIn(label: string): boolean
}

export interface UpsInspection {
  readonly variables: Readonly<Record<string, string>>
  readonly commands: readonly string[]
  /** How many are logged in; undefined where the server does not say. */
  readonly logins: number | undefined
}

/** A way to people. */
export interface ChannelProbe {
  readonly name: string
  /** Reaches its server without sending anything: rejects with what would keep a message from arriving. */
  reach(signal: AbortSignal): Promise<string>
}

/** The machine that Caretaker itself runs on, and what lies there. */
export interface MachineProbe {
  /** Whether a daemon looks, which runs the queue's store. */
  readonly isDaemon: boolean
  /** What is wrong with the configuration and what it names. */
  configuration(): Promise<ConfigurationFindings>
  /** How long our own credentials live; with why one can't be used. */
  credentials(): Promise<readonly CredentialLife[]>
  /** Files and folders that others must not read, and those that they must. */
  files(): Promise<readonly FileAccess[]>
  /** Gives a file or folder the mode that it should have, or makes the folder. */
  mend(file: FileAccess): Promise<void>
  /** Free space of the file system that a path is on, in bytes; undefined where it does not tell. */
  freeSpace(path: string): Promise<number | undefined>
  /** How the queue's store keeps what it is given; rejects where it does not answer. */
  store(signal: AbortSignal): Promise<StoreFacts>
}

export interface ConfigurationFindings {
  readonly file: string
  /** `isOwn`: in a file that Caretaker keeps, which nobody edits. */
  readonly faults: readonly { readonly text: string; readonly isOwn: boolean }[]
  readonly warnings: readonly string[]
}

export interface CredentialLife {
  /** `talosconfig`, `kubeconfig`. */
  readonly name: string
  /** `the client certificate in /etc/caretaker/talosconfig`. */
  readonly what: string
  /** Undefined where it has no end. */
  readonly life: Life | undefined
  /** Whether Caretaker renews it by itself. */
  readonly isRenewed: boolean
  /** Why it can't be used at all. */
  readonly fault?: string
}
