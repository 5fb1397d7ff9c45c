import type { MaintenanceLook, MeantMachine, MemberLook } from './seen.ts'

/**
 * The API of a machine that waits in maintenance (port 50000). Anybody may ask it, and anybody may answer in its place: what it says
 * identifies and proves nothing, but for the key that it speaks with.
 */
export interface MaintenanceApi {
  /**
   * What a machine tells of itself.
   *
   * `unreachable` while nothing answers, which is so while it looks for its configuration and while it installs; `rejected` where
   * what answers is not in maintenance.
   */
  look(address: string, signal: AbortSignal): Promise<MaintenanceLook>
  /**
   * Gives it its configuration, on a connection on which it was seen to be the machine that is meant: only then `take` is called,
   * whose text leaves at once.
   *
   * `rejected` where another machine or another key answers, and then `take` was not called, or where it refuses the
   * configuration, in its words; `unreachable` where it is not known whether it has it.
   */
  apply(address: string, meant: MeantMachine, take: () => Promise<string>, signal: AbortSignal): Promise<void>
}

/** Receives what machines send that have an `EventSinkConfig`. */
export interface EventSinks {
  /**
   * Listens until it is disposed of. `isWanted`: whose events are taken; others are hung up on. `heard`: what happened, as a short
   * sentence.
   *
   * @throws AgentError `misconfigured` where it can't listen
   */
  listen(place: {
    readonly address: string
    readonly port: number
    isWanted(address: string): boolean
    heard(address: string, sentence: string): void
  }): Promise<AsyncDisposable>
}

/** The Talos API of nodes of the cluster, by our credentials, also of those that are in no configuration. */
export interface ClusterMembers {
  /**
   * Who answers at an address: a node of this cluster, as its certificate says.
   *
   * `unreachable` where nobody answers; `misconfigured` where whoever answers is not of this cluster.
   */
  identify(address: string, signal: AbortSignal): Promise<MemberLook>
}
