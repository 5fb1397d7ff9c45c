import { isDeepStrictEqual } from 'node:util'
import { machinesOf } from '../core/power/machines.ts'
import { needOf } from '../core/power/shutdown.ts'
import type { Config } from './config.ts'

/** The effect of an edit of the configuration while the daemon runs. */
export interface ConfigChange {
  /** The configuration to use: live settings are new, all others as at the start. */
  readonly config: Config
  /** Paths of settings that changed just now. */
  readonly applied: readonly string[]
  /** Paths of settings that change with the next restart. */
  readonly pending: readonly string[]
}

/** Sections that are read again each time they are used. */
const live: readonly (keyof Config)[] = ['upgrade', 'power', 'storage', 'netboot']

/**
 * Plans an edit. `atStart` is the configuration that the daemon was started with, `before` the present one, and `sections`
 * the keys of those that belong to services, which are started again where theirs has changed.
 */
export function planChange(
  fresh: Config,
  { atStart, before, sections }: { atStart: Config; before: Config; sections: readonly string[] },
): ConfigChange {
  const atOnce: readonly string[] = [...live, ...sections]
  const isLive = (key: string) => atOnce.includes(key)
  // Each machine got its feed from power.feed at the start.
  const power = { ...fresh.power, feed: atStart.power.feed }
  const merged = Object.fromEntries(
    Object.entries({ ...fresh, power }).map(([key, value]) => [key, isLive(key) ? value : valueOf(atStart, key)]),
  ) as unknown as Config
  // The canary must be one of the nodes that there are: one that comes with the restart would be no canary until then.
  const isCanaryKnown = fresh.upgrade.canary === undefined || hasNode(atStart, fresh.upgrade.canary.node)
  const upgrade = isCanaryKnown ? merged.upgrade : { ...merged.upgrade, canary: atStart.upgrade.canary }
  const config = withRuntime({ ...merged, upgrade }, fresh)
  const others = (whole: Config) => Object.fromEntries(Object.entries(whole).filter(([key]) => !isLive(key)))
  const feedOf = ({ power: { feed } }: Config) => ({ power: { feed } })
  return {
    config,
    applied: differences(before, config),
    pending: [
      ...differences(others(atStart), others({ ...fresh, ...unfed(fresh, atStart) })),
      ...differences(feedOf(atStart), feedOf(fresh)),
      ...(isCanaryKnown ? [] : ['upgrade.canary']),
    ],
  }
}

/**
 * The configuration with the runtime that a shutdown of its own machines needs. Where the edit does not set it, it was
 * computed from the edit's machines, and those that are shut down are the ones from the start.
 */
function withRuntime(config: Config, fresh: Config): Config {
  if (fresh.power.minimumRuntime !== needOf(machinesOf(fresh), fresh.power)) return config
  return { ...config, power: { ...config.power, minimumRuntime: needOf(machinesOf(config), config.power) } }
}

function hasNode({ nodes }: Config, name: string): boolean {
  return nodes.some((node) => node.name === name)
}

/** Machines without what they inherit from `power.feed`, so that its change is reported once, not per machine. */
function unfed(fresh: Config, atStart: Config): Partial<Config> {
  if (isDeepStrictEqual(fresh.power.feed, atStart.power.feed)) return {}
  const inherited = <One extends { feed?: unknown }>(one: One, before: One | undefined): One =>
    isDeepStrictEqual(one.feed, fresh.power.feed) ? { ...one, feed: before?.feed } : one
  return {
    nodes: fresh.nodes.map((node, index) => inherited(node, atStart.nodes[index])),
    hosts: fresh.hosts.map((host, index) => inherited(host, atStart.hosts[index])),
  }
}

function valueOf(whole: object, key: string): unknown {
  return (whole as Readonly<Record<string, unknown>>)[key]
}

/** The paths of all differences, as deep as both sides can be compared: `nodes.1.address`. */
export function differences(a: unknown, b: unknown, path: readonly string[] = []): readonly string[] {
  if (isDeepStrictEqual(a, b)) return []
  // It follows from upgrade.timeZone, which is named by itself.
  if (path.at(-1) === 'shownZone') return []
  // A feed can be written in several ways, so paths within it mean nothing.
  if (path.at(-1) === 'feed') return [path.join('.')]
  const isComparable =
    isObject(a) &&
    isObject(b) &&
    Array.isArray(a) === Array.isArray(b) &&
    (!Array.isArray(a) || a.length === lengthOf(b))
  if (!isComparable) return [path.join('.')]
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return keys.flatMap((key) => differences(valueOf(a, key), valueOf(b, key), [...path, key]))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function lengthOf(value: object): number {
  return Array.isArray(value) ? value.length : 0
}
