import type { Config } from '../../../config/config.ts'
import { listed } from '../../../core/count.ts'
import { definePage } from '../../../operations/pages.ts'
import { nodeRequests } from './requests.ts'
import { type MachineFacts, type NodesData, nodesView } from './view.ts'

export default definePage<NodesData>({
  async read({ status, config }) {
    const { cluster, target, leftBehind, outage } = await status('followed')
    return { cluster, target, leftBehind, outage, machines: machineFacts(config()) }
  },
  view: nodesView,
  requests: nodeRequests,
})

export function machineFacts({ nodes, hosts, upses }: Pick<Config, 'nodes' | 'hosts' | 'upses'>): MachineFacts[] {
  const labels = upses.map(({ label }) => label)
  return [
    ...nodes.map((node) => ({ ...node, kind: 'node' })),
    ...hosts.map((host) => ({ ...host, kind: host.nas ? 'NAS' : 'host' })),
  ].map(({ name, address, kind, feed, mac, wake }) => ({
    name,
    address,
    kind,
    feed: feed === undefined ? (labels.length === 1 ? labels[0]! : 'no UPS') : feedWords(feed),
    wakes: wakeWords(mac !== undefined, wake?.powerOn),
  }))
}

function feedWords({ powerValue, minSupplies }: NonNullable<Config['nodes'][number]['feed']>): string {
  const names = Object.keys(powerValue)
  const sum = Object.values(powerValue).reduce((all, one) => all + one, 0)
  if (names.length === 1) return names[0]!
  if (minSupplies >= sum) return `all of ${listed(names)}`
  if (minSupplies === 1) return `any of ${listed(names, 'or')}`
  return `${listed(names)} (needs ${minSupplies} of ${sum})`
}

function wakeWords(hasMac: boolean, powerOn: object | undefined): string {
  const other = powerOn === undefined ? undefined : 'http' in powerOn ? 'a request' : 'a command'
  if (hasMac) return other === undefined ? 'magic packet' : `magic packet, then ${other}`
  return other ?? 'by hand: it has no MAC address'
}
