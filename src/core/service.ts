/** A service without what it does: what it is called, and its turn. */
export interface ServiceSpec {
  /** Also the folder's name, and in camelCase the key of its section of the configuration. */
  readonly name: string
  /**
   * Its turn where that matters. `first`: it starts before all others and outlives them, because it guards the power.
   * `last`: it starts when all others have had their chance, and stops before them, because what it runs needs them.
   */
  readonly starts?: 'first' | 'last'
}

/** A service that has started. Disposing of it ends it. */
export interface RunningService extends AsyncDisposable {
  /** One line for `caretaker status`; undefined where there is nothing to say. */
  status?(): string | undefined
  /** Settles when the service has ended by itself, which it should not: it is started again. */
  readonly ended?: Promise<unknown>
}

/** How a service is, for people. */
export interface ServiceStatus {
  readonly name: string
  readonly state: 'starting' | 'running' | 'down' | 'stopped'
  /** ISO 8601: since when it has been so. */
  readonly since: string
  /** Its own line, or why it is down. */
  readonly text: string | undefined
}

/** The key of a service's section of the configuration: `ups-watch` has `upsWatch`. */
export function sectionOf({ name }: Pick<ServiceSpec, 'name'>): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
