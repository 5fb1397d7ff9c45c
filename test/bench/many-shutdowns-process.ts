// A large cluster for a shutdown: Talos nodes, each with a server of its own, and a Kubernetes API and a Factory for
// them. Says where its configuration lies as soon as all are ready, and then what became of its nodes, whenever it is
// asked. Nothing here looks at all nodes at each change of one, as the small homelab does: that would be what is measured.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createAuthority, withTalosLabel } from '../lab/authority.ts'
import { createEtcd } from '../lab/etcd.ts'
import { createFactory } from '../lab/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { createKubernetesApi } from '../lab/kubernetes-api.ts'
import { createTalosNode } from '../lab/talos-node.ts'

/** What the nodes' process is told when it starts. */
export interface ClusterOrder {
  /** The second octet of its addresses, 127.<net>.x.y. */
  readonly net: number
  readonly controlPlanes: number
  readonly workers: number
  /** One of so many workers takes the order to shut down, and never goes off. */
  readonly hangsEach: number
  readonly directory: string
  /** Parts of the configuration. */
  readonly config: Readonly<Record<string, unknown>>
}

/** What became of a node. */
export interface NodeReport {
  readonly role: 'controlplane' | 'worker'
  readonly hangs: boolean
  readonly power: 'on' | 'off'
  /** When it was told to shut down, ms since the epoch. */
  readonly toldAt: readonly number[]
}

const { net, controlPlanes, workers, hangsEach, directory, config }: ClusterOrder = JSON.parse(process.argv[2]!)
const version = 'v1.13.9'
const perRow = 200

process.once('disconnect', () => process.exit())

const authorities = { talos: await createAuthority('talos'), kubernetes: await createAuthority('kubernetes') }
const factory = createFactory({ address: `127.${net}.0.80`, versions: [version] })
await factory.start()
const kubernetes = createKubernetesApi({ address: `127.${net}.0.100`, authority: authorities.kubernetes })
const etcd = createEtcd()
const hanging = new Set<string>()
const nodes = Array.from({ length: controlPlanes + workers }, (_, index) => {
  const isControlPlane = index < controlPlanes
  const name = isControlPlane ? `cp-${index + 1}` : `w-${index + 1 - controlPlanes}`
  if (!isControlPlane && (index - controlPlanes) % hangsEach === 0) hanging.add(name)
  const extensions = homelabSchematic.customization.systemExtensions.officialExtensions
  return createTalosNode({
    name,
    role: isControlPlane ? 'controlplane' : 'worker',
    address: `127.${net}.${1 + Math.floor(index / perRow)}.${1 + (index % perRow)}`,
    version,
    schematic: homelabSchematicId,
    authority: authorities.talos,
    ...(isControlPlane ? { etcd } : {}),
    resolveImage: () => undefined,
    extensionsOf: () => extensions,
    pace: { boot: 0, settle: 0, stop: 1_000 },
  })
})
for (const node of nodes) {
  kubernetes.addNode(node)
  kubernetes.setNodeReady(node.name, true)
}
await kubernetes.start()
await Promise.all(nodes.map((node) => node.start()))
while (!nodes.every(({ ready }) => ready)) await new Promise((resolve) => setTimeout(resolve, 50))
for (const { name, faults } of nodes) faults.shutdownHangs = hanging.has(name)
// Without them there is no API.
const heads = nodes.filter(({ role }) => role === 'controlplane')
for (const head of heads)
  head.onChange(() => {
    if (heads.every(({ answering }) => !answering)) kubernetes.setAvailability('down')
  })

const client = await authorities.talos.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const talosconfig = {
  context: 'lab',
  contexts: {
    lab: {
      endpoints: heads.map(({ address }) => address),
      ca: base64(authorities.talos.ca),
      crt: base64(client.cert),
      key: base64(withTalosLabel(client.key)),
    },
  },
}
const whole = {
  cluster: { name: 'lab', talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
  nodes: nodes.map(({ name, role, address }) => ({ name, role, address })),
  schematic: 'homelab',
  factory: { url: factory.url },
  share: { directory: 'share' },
  upgrade: { enabled: false, soak: '365d' },
  state: 'state',
  ...config,
}
await mkdir(join(directory, 'schematics'))
await mkdir(join(directory, 'share'))
const file = join(directory, 'caretaker.yaml')
await Promise.all([
  writeFile(file, stringify(whole)),
  writeFile(join(directory, 'schematics', 'homelab.yaml'), stringify(homelabSchematic)),
  writeFile(join(directory, 'talosconfig'), stringify(talosconfig)),
  writeFile(join(directory, 'kubeconfig'), await kubernetes.kubeconfig({ user: 'caretaker' })),
])
process.on('message', () => {
  const reports = nodes.map(({ name, role, power, calls }): NodeReport => {
    const told = calls.filter(({ method }) => method === 'MachineService.Shutdown')
    return { role, power, hangs: hanging.has(name), toldAt: told.map(({ at }) => at) }
  })
  process.send?.(reports)
})
process.send?.(file)
