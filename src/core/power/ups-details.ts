/**
 * How often a driver asks its UPS, in ms, as far as it tells (`driver.parameter.pollinterval`, for the status, and
 * `pollfreq`, for everything). However often upsd is asked, nothing is seen sooner but FSD, which upsd sets itself.
 */
export interface DriverPace {
  readonly pollInterval?: number
  readonly pollFrequency?: number
}

/** Everything that upsd reports about a UPS. */
export interface UpsDetails {
  readonly variables: Readonly<Record<string, string>>
  /** The names of those that can be set. */
  readonly writable: readonly string[]
  /** Instant commands. */
  readonly commands: readonly string[]
  /** Addresses of those who are logged in. Empty where the server is older than NUT 2.6.4. */
  readonly clients: readonly string[]
  /** How many are logged in; undefined where the server does not report it. */
  readonly numLogins?: number
  /** The server's version string: `Network UPS Tools upsd 2.8.0 - …`. Appliances have their own. */
  readonly server?: string
  /** 1.2 from NUT 2.6.4 on, 1.3 from 2.8.0 on; undefined before. */
  readonly protocol?: string
  /** How often its driver asks the UPS, as far as it tells. */
  readonly driver?: DriverPace
  /** Whether it was asked over TLS. */
  readonly secure: boolean
}
