import { type Config, parseConfig } from '../../src/config/config.ts'
import type { FakeHomelab } from './homelab.ts'

/** What differs from the configuration that a fake homelab has by itself. */
export interface ConfigOptions {
  /** Lines of YAML below `upgrade:` and `power:`. */
  readonly upgrade?: Readonly<Record<string, unknown>>
  readonly power?: Readonly<Record<string, unknown>>
  /** Lines of `share:`, and of `images:` one by one. */
  readonly share?: Readonly<Record<string, unknown>>
  readonly images?: readonly Readonly<Record<string, unknown>>[]
  /** Added to the configuration: `hosts`, or lines of nodes and UPSes by name. */
  readonly hosts?: readonly Readonly<Record<string, unknown>>[]
  readonly node?: (name: string) => Readonly<Record<string, unknown>>
  readonly upses?: readonly string[]
  /** Lines of every UPS. */
  readonly ups?: Readonly<Record<string, unknown>>
}

const configs = new Map<string, Config>()

/** A story is played hundreds of times with the same text, and whoever gets a configuration only reads it. */
export function configOf(homelab: FakeHomelab, options: ConfigOptions): Config {
  const text = JSON.stringify(contentOf(homelab, options))
  const known = configs.get(text)
  if (known) return known
  const config = parseConfig(text, 'test.yaml')
  // The fake wire wakes a machine by its name.
  const withMacs: Config = { ...config, nodes: config.nodes.map((node) => ({ ...node, mac: node.name })) }
  configs.set(text, withMacs)
  return withMacs
}

/** Times are short. */
function contentOf(
  homelab: FakeHomelab,
  { upgrade, power, share, images = [], hosts = [], node = () => ({}), upses = ['ups'], ups = {} }: ConfigOptions,
) {
  return {
    cluster: { talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
    nodes: [...homelab.machines.values()].map(({ name, role }, index) => ({
      name,
      role,
      address: `10.0.0.${index + 1}`,
      ...node(name),
    })),
    hosts: hosts.map((host, index) => ({
      address: `10.0.1.${index + 1}`,
      mac: `00:1b:21:3a:50:0${index}`,
      shutdown: { ssh: { user: 'root', key: 'key', knownHosts: 'known_hosts' } },
      ...host,
    })),
    schematic: 'homelab',
    share: { directory: 'share', ...share },
    images,
    upses: upses.map((label) => ({ host: '10.0.0.99', label, ...ups })),
    upgrade: {
      soak: '0s',
      settle: '0s',
      drainTimeout: '200ms',
      installTimeout: '1s',
      rebootTimeout: '1s',
      retryAfter: '10ms',
      ...upgrade,
    },
    power: {
      onBatteryAfter: '0s',
      onMainsAfter: '0s',
      lowBatteryAfter: '0s',
      unconfirmedLowBatteryAfter: '0s',
      drainTimeout: '200ms',
      shutdownTimeout: '1s',
      reserve: '0s',
      wake: {
        stableAfter: '0s',
        minimumRuntime: '0s',
        unknownChargeAfter: '0s',
        retryInterval: '5ms',
        giveUpAfter: '1s',
      },
      ...power,
    },
  }
}
