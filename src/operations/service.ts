import type { Config } from '../config/config.ts'
import type { SecretSource } from '../config/scalars.ts'
import type { Alerts } from '../core/alert.ts'
import type { Event } from '../core/event.ts'
import type { Outcome, Queue } from '../core/job.ts'
import type { Logger } from '../core/log.ts'
import type { Transfer } from '../core/netboot/boot-event.ts'
import type { BootEvent } from '../core/netboot/dhcp-event.ts'
import type { Meter } from '../core/metrics/meter.ts'
import type { Operator } from '../core/operator.ts'
import type { Ports } from '../core/ports.ts'
import type { Authority } from '../core/provision/authority.ts'
import type { Machine } from '../core/provision/machine.ts'
import type { SeenMember } from '../core/provision/seen.ts'
import type { Power } from '../core/power/feeds.ts'
import type { Observation } from '../core/power/ups.ts'
import type { ProvisionDesk } from '../core/provision/desk.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import type { RunningService, ServiceSpec } from '../core/service.ts'
import type { Job } from './job.ts'
import type { Notifier } from './notification-requests.ts'
import type { Asking, PageSpec } from './pages.ts'
import type { WaitingRoom } from './provision/waiting-room.ts'
import type { WebDoor } from './web.ts'

/**
 * What runs as long as the daemon runs: one folder of src/services is one service, and the folder is the registry. Its
 * `service.ts` exports `defineService({...})` by default, under the folder's name. Every command of the CLI loads it for
 * its section of the configuration, so what is large is imported in `start`.
 */
export interface Service<Section = undefined> extends ServiceSpec {
  /**
   * Its section of the configuration, a zod schema that says itself what holds where the section is absent (`prefault`).
   * A section that changes restarts the service, and nothing else.
   */
  readonly config?: SectionSchema<Section>
  /** Its pages of the dashboard. */
  readonly pages?: readonly PageSpec[]
  /** What can be found out before anything is started: for `caretaker config check`, and the first start of a daemon. */
  check?(context: CheckContext<Section>): Promise<readonly SectionFault[]>
  /**
   * Starts it. A rejection is an alert, and it is started again later; it costs no other service anything. What it
   * subscribed to ends with it.
   */
  start(context: ServiceContext<Section>): Promise<RunningService>
}

/** A schema by https://standardschema.dev, as far as types go. */
export interface SectionSchema<Section> {
  readonly '~standard': { readonly types?: { readonly output: Section } | undefined }
}

export interface SectionFault {
  /** The setting that names what is wrong: `queue.password`. */
  readonly setting: string
  readonly why: string
  /** `warning`: it is probably not meant so, and keeps nothing from working. Default: an error. */
  readonly severity?: 'error' | 'warning'
}

/** What a service has before anything runs. */
export interface CheckContext<Section = undefined> {
  /** Its section of the configuration. When that changes the service is started again. */
  readonly section: Section
  /** The configuration as it is now: an edit shows at the next call. */
  config(): Config
  readonly files: Files
}

/** Everything that a service may use. */
export interface ServiceContext<Section = undefined> extends CheckContext<Section> {
  readonly ports: Ports
  readonly alerts: Alerts
  readonly log: Logger
  /** Aborts when the service is to end, before it is disposed of. */
  readonly signal: AbortSignal
  /** How the power is; what it holds changes with every reading. */
  readonly power: Power
  readonly jobs: Jobs
  /** Everything that a person may ask or request: for doors. */
  readonly operator: Operator
  /** 32 random bytes of ours by this name, kept from others in the state directory; the same after a restart. */
  key(name: string): Promise<Uint8Array>
  /** Our own certificate authority for this name, kept in the state directory. @throws AgentError where it can't be kept */
  authority(host: string): Promise<Authority>
  /** Where people reach the API; undefined where it is not configured. */
  publicUrl(): string | undefined
  /** What people are told goes through this notifier, until that is disposed of. */
  notifyThrough(notifier: Notifier): Disposable
  /** Where what it serves on the port of the API is opened. */
  readonly web: WebDoor
  /** The pages of all services, as the dashboard lists them. */
  readonly pages: readonly PageSpec[]
  /** Every setting as it is used, and the file that they are from. */
  settings: Asking['settings']
  /** Where what speaks with new machines asks what they may have. */
  readonly provision: ProvisionDesk
  /** Where what happens is counted. */
  readonly meter: Meter
  /** Takes note of what the service has observed. */
  readonly notice: Notice
  now(): Date
  /** Monotonic clock, in ms. */
  monotonic(): number
  emit(event: Event): Promise<void>
  /** Ends it and starts it again, because what it was started with has changed. */
  restart(): void
  /** Called with each event, in this process and without the queue. A listener that throws affects no other. */
  onEvent(listener: (event: Event) => void): void
}

/** Where what watches the homelab leaves what it has observed. */
export interface Notice {
  ups(label: string, seen: Observation): void
  node(name: string, answers: boolean): void
  /** What a machine did that boots from the network. */
  boot(event: BootEvent): void
  /** The last part of a file leaves when this has returned: it may arrive, and start the machine, whatever becomes of us. */
  bootEnding(transfer: Transfer): void
  /** What machines show and tell on their way into the cluster, and that they have joined. */
  readonly machines: Pick<WaitingRoom, 'line' | 'seen'> & { joined(machine: Machine, seen: SeenMember): void }
  /** All schematics as they are now, by name; `changed` names those that were edited. */
  schematics(all: ReadonlyMap<string, RegisteredSchematic>, changed?: readonly string[]): Promise<void>
}

export interface Jobs {
  readonly all: readonly Job[]
  run(job: Job, signal: AbortSignal): Promise<Outcome>
  /** What is to wait its turn does so in this queue, until that is disposed of. */
  queueThrough(queue: Queue): Disposable
}

/** What lies around the configuration. */
export interface Files {
  /** The absolute path of one that stands in the configuration. */
  path(relative: string): string
  /** The directory that is kept over restarts. */
  readonly state: string
  /** The folder of schematics. */
  readonly schematics: string
  /** Where programs are looked for: the PATH. */
  readonly searchPath: string
  /** The secret itself. `what` names the setting. @throws AgentError `misconfigured` */
  readSecret(source: SecretSource, what: string): Promise<string>
  /** A schematic from the text of its file, with its id. @throws AgentError `misconfigured`, naming each fault */
  parseSchematic(text: string, file: string): RegisteredSchematic
}

export function defineService<Section = undefined>(service: Service<Section>): Service<Section> {
  return service
}

/** A service of any section: what the registry holds. */
export type AnyService = Service<unknown>
