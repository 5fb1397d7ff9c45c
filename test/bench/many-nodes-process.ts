// As many Talos nodes as it is told to, each with a server of its own, and a Kubernetes API and a Factory for them. Says
// where its configuration lies as soon as all are ready, and then how many connections there were, whenever it is asked.
import { subscribe } from 'node:diagnostics_channel'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createAuthority, withTalosLabel } from '../lab/authority.ts'
import { createEtcd } from '../lab/etcd.ts'
import { createFactory } from '../lab/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { createKubernetesApi } from '../lab/kubernetes-api.ts'
import { createTalosNode } from '../lab/talos-node.ts'

const [net, count, directory] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]!]
const version = 'v1.13.9'
const controlPlanes = 3
const apid = 50_000
const perRow = 200

let connections = 0
subscribe('net.server.socket', (message) => {
  if ((message as { socket: Socket }).socket.localPort === apid) connections++
})
process.once('disconnect', () => process.exit())

const authorities = { talos: await createAuthority('talos'), kubernetes: await createAuthority('kubernetes') }
const factory = createFactory({ address: `127.${net}.0.80`, versions: [version] })
await factory.start()
const kubernetes = createKubernetesApi({ address: `127.${net}.0.100`, authority: authorities.kubernetes })
const etcd = createEtcd()
const nodes = Array.from({ length: count }, (_, index) => {
  const isControlPlane = index < controlPlanes
  const extensions = homelabSchematic.customization.systemExtensions.officialExtensions
  return createTalosNode({
    name: isControlPlane ? `cp-${index + 1}` : `w-${index + 1 - controlPlanes}`,
    role: isControlPlane ? 'controlplane' : 'worker',
    address: `127.${net}.${1 + Math.floor(index / perRow)}.${1 + (index % perRow)}`,
    version,
    schematic: homelabSchematicId,
    authority: authorities.talos,
    ...(isControlPlane ? { etcd } : {}),
    resolveImage: () => undefined,
    extensionsOf: () => extensions,
    pace: { boot: 0, settle: 0 },
  })
})
for (const node of nodes) {
  kubernetes.addNode(node)
  kubernetes.setNodeReady(node.name, true)
}
await kubernetes.start()
await Promise.all(nodes.map((node) => node.start()))
while (!nodes.every(({ ready }) => ready)) await new Promise((resolve) => setTimeout(resolve, 50))

const client = await authorities.talos.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const talosconfig = {
  context: 'lab',
  contexts: {
    lab: {
      endpoints: nodes.slice(0, controlPlanes).map(({ address }) => address),
      ca: base64(authorities.talos.ca),
      crt: base64(client.cert),
      key: base64(withTalosLabel(client.key)),
    },
  },
}
const config = {
  cluster: { name: 'lab', talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
  nodes: nodes.map(({ name, role, address }) => ({ name, role, address })),
  schematic: 'homelab',
  factory: { url: factory.url },
  share: { directory: 'share' },
  upgrade: { enabled: false, soak: '365d' },
  state: 'state',
}
await mkdir(join(directory, 'schematics'))
await mkdir(join(directory, 'share'))
const file = join(directory, 'caretaker.yaml')
await Promise.all([
  writeFile(file, stringify(config)),
  writeFile(join(directory, 'schematics', 'homelab.yaml'), stringify(homelabSchematic)),
  writeFile(join(directory, 'talosconfig'), stringify(talosconfig)),
  writeFile(join(directory, 'kubeconfig'), await kubernetes.kubeconfig({ user: 'caretaker' })),
])
process.on('message', () => process.send?.(connections))
process.send?.(file)
