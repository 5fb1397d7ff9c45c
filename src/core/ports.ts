import type { Checks, Kubernetes, Snapshots, Talos } from './cluster/ports.ts'
import type { DoctorPorts } from './doctor/ports.ts'
import type { Journal } from './journal.ts'
import type { NetbootProbe } from './netboot/ports.ts'
import type { Hosts, Ups, Waker } from './power/ports.ts'
import type { ClusterMembers, EventSinks, MaintenanceApi } from './provision/ports.ts'
import type { Factory, Share } from './release/ports.ts'
import type { BootServer } from './release/served.ts'
import type { Calendar } from './upgrade/ports.ts'

/**
 * The outside world, as the agent needs it, and no wider. Every call rejects with an AgentError and with nothing else,
 * and ends soon after its signal aborts.
 */
export interface Ports {
  readonly factory: Factory
  readonly share: Share
  /** Absent where none is configured. */
  readonly bootServer?: BootServer | undefined
  readonly talos: Talos
  readonly kubernetes: Kubernetes
  /** By their label in the configuration. Empty where none is configured. */
  readonly upses: ReadonlyMap<string, Ups>
  readonly hosts: Hosts
  readonly waker: Waker
  readonly snapshots: Snapshots
  readonly checks: Checks
  /** Absent where none is configured. */
  readonly calendar?: Calendar | undefined
  readonly journal: Journal
  readonly netboot: NetbootProbe
  /** What speaks with machines on their way into the cluster. Absent where nobody does. */
  readonly provision?:
    | { readonly maintenance: MaintenanceApi; readonly events: EventSinks; readonly members: ClusterMembers }
    | undefined
  /** What only the doctor asks. Absent where nobody can: then it skips what needs it. */
  readonly doctor?: DoctorPorts | undefined
}
