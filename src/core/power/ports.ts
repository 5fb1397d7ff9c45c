import type { UpsReading } from './ups.ts'

/** A UPS as NUT's upsd tells of it. */
export interface Ups {
  readonly name: string
  read(signal: AbortSignal): Promise<UpsReading>
  /** Says to the primary that this cluster is down. Harmless where we are not logged in. */
  logOut(signal: AbortSignal): Promise<void>
  /** Counts as a secondary again, for which the primary waits. Harmless where no user is configured. */
  logIn(signal: AbortSignal): Promise<void>
  /**
   * Runs an instant command (`shutdown.return`) and waits until the driver has said that it is done, where upsd can
   * tell. Needs a user that may.
   */
  command(name: string, signal: AbortSignal): Promise<void>
}

/** Machines that are no nodes: a NAS, a hypervisor. Named as in the configuration. */
export interface Hosts {
  /** Whether it is up: something answers where the configuration says. */
  answers(host: string, signal: AbortSignal): Promise<boolean>
  /** Returns when it has taken the order. */
  shutDown(host: string, signal: AbortSignal): Promise<void>
  /** Whether the order would be taken, without giving it: rejects with what would go wrong. */
  rehearse(host: string, signal: AbortSignal): Promise<void>
}

/** Brings nodes and hosts up, by their names in the configuration. */
export interface Waker {
  /** Sends magic packets. That they were sent says nothing about the machine. Rejects `misconfigured` without a MAC address. */
  wake(machine: string, signal: AbortSignal): Promise<void>
  /** The way that the user has set up for a machine that packets do not wake: IPMI, a smart plug. Rejects where there is none. */
  powerOn(machine: string, signal: AbortSignal): Promise<void>
}
