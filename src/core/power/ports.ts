import type { DriverPace, UpsDetails } from './ups-details.ts'
import type { UpsReading } from './ups.ts'

/** A UPS as NUT's upsd reports it. */
export interface Ups {
  readonly name: string
  /** Everything that a decision is made from. */
  read(signal: AbortSignal): Promise<UpsReading>
  /** The tokens of `ups.status` alone: cheap enough to be asked for several times a second. */
  readStatus(signal: AbortSignal): Promise<readonly string[]>
  /** Everything that upsd tells of it, for people. */
  details(signal: AbortSignal): Promise<UpsDetails>
  /** As read last; undefined where it is not told. */
  readonly driver?: DriverPace | undefined
  /** Sends LOGOUT: the primary need not wait for this cluster. Harmless if not logged in. */
  logOut(signal: AbortSignal): Promise<void>
  /** Counts as a secondary again, for which the primary waits. Harmless where no user is configured. */
  logIn(signal: AbortSignal): Promise<void>
  /**
   * Runs an instant command (`shutdown.return`) and waits until the driver has said that it is done, where upsd can
   * tell. Needs a user that may.
   */
  command(name: string, signal: AbortSignal): Promise<void>
}

/** Machines that are not nodes: a NAS, a hypervisor. Named as in the configuration. */
export interface Hosts {
  /** Whether it is up: something answers at the configured address. */
  answers(host: string, signal: AbortSignal): Promise<boolean>
  /** Returns when it has accepted the shutdown. */
  shutDown(host: string, signal: AbortSignal): Promise<void>
  /** Checks whether a shutdown would be accepted, without requesting it: rejects with what would go wrong. */
  rehearse(host: string, signal: AbortSignal): Promise<void>
}

/** Wakes nodes and hosts, by their names in the configuration. */
export interface Waker {
  /** Sends magic packets, which proves nothing about the machine. Rejects `misconfigured` without a MAC address. */
  wake(machine: string, signal: AbortSignal): Promise<void>
  /**
   * Says by which interfaces magic packets would leave, without sending any: `eth0 (192.168.1.5)`. Rejects with what
   * keeps them from arriving.
   */
  rehearse(machine: string, signal: AbortSignal): Promise<string>
  /** In how many ms it is this machine's turn: machines are woken some time apart. Asking keeps its turn for it. */
  turnIn(machine: string, signal: AbortSignal): Promise<number>
  /** Runs `powerOn` (IPMI, a smart plug) for a machine that packets do not wake. Rejects if none is configured. */
  powerOn(machine: string, signal: AbortSignal): Promise<void>
}
