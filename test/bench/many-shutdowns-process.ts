// A large cluster for a shutdown. Says where its configuration lies as soon as all nodes are ready, and then what became
// of them, whenever it is asked.
import { type ClusterOrder, startCluster } from './cluster.ts'

/** What the nodes' process is told when it starts. */
export interface ShutdownOrder extends ClusterOrder {
  /** One of so many workers takes the order to shut down, and never goes off. */
  readonly hangsEach: number
}

/** What became of a node. */
export interface NodeReport {
  readonly role: 'controlplane' | 'worker'
  readonly hangs: boolean
  readonly power: 'on' | 'off'
  /** When it was told to shut down, ms since the epoch. */
  readonly toldAt: readonly number[]
}

process.once('disconnect', () => process.exit())

const { hangsEach, ...order }: ShutdownOrder = JSON.parse(process.argv[2]!)
const { nodes, kubernetes, file } = await startCluster(order)
const heads = nodes.filter(({ role }) => role === 'controlplane')
const workers = nodes.filter(({ role }) => role === 'worker')
const hanging = new Set(workers.filter((_, index) => index % hangsEach === 0))
for (const { faults } of hanging) faults.shutdownHangs = true
// Without them there is no API.
for (const head of heads)
  head.onChange(() => {
    if (heads.every(({ answering }) => !answering)) kubernetes.setAvailability('down')
  })

process.on('message', () => {
  const reports = nodes.map((node): NodeReport => {
    const told = node.calls.filter(({ method }) => method === 'MachineService.Shutdown')
    return { role: node.role, power: node.power, hangs: hanging.has(node), toldAt: told.map(({ at }) => at) }
  })
  process.send?.(reports)
})
process.send?.(file)
