import type { Alerts } from './alert.ts'
import type { Event } from './event.ts'
import type { Logger } from './log.ts'
import type { Ports } from './ports.ts'

/**
 * What runs as long as the daemon runs: one folder in src/services/ is one service, and the folder is the registry. Its
 * `index`-less entry is `service.ts`, which exports `defineService({...})` by default under the folder's name.
 */
export interface Service<Section = undefined> {
  /** The folder's name. In camelCase it is the name of its section of the configuration. */
  readonly name: string
  /** Its section of the configuration, as a schema; absent where it has none. */
  readonly config?: SectionSchema<Section>
  /** Starts it. A rejection is an alert, and it is started again later; it costs no other service anything. */
  start(context: ServiceContext<Section>): Promise<RunningService>
}

/** A schema by https://standardschema.dev, as far as types go: core knows no package. */
export interface SectionSchema<Section> {
  readonly '~standard': { readonly types?: { readonly output: Section } | undefined }
}

export interface ServiceContext<Section = undefined> {
  /** Its section of the configuration as it is now. */
  readonly section: Section
  readonly ports: Ports
  readonly alerts: Alerts
  readonly log: Logger
  /** Aborts when the service is to end. */
  readonly signal: AbortSignal
  now(): Date
  /** ms of a clock that never jumps. */
  monotonic(): number
  emit(event: Event): Promise<void>
  /** Called with each event, in this process and without the queue, until the service ends. */
  onEvent(listener: (event: Event) => void): void
}

export interface RunningService extends AsyncDisposable {
  /** One line for `caretaker status`. */
  status?(): string | undefined
  /** Settles when the service has ended by itself, which it should not. */
  readonly ended?: Promise<unknown>
}

export function defineService<Section = undefined>(service: Service<Section>): Service<Section> {
  return service
}
