import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createAuthority, withTalosLabel } from '../lab/authority.ts'
import { createEtcd } from '../lab/talos/etcd.ts'
import { createFactory } from '../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { createKubernetesApi } from '../lab/kubernetes/api.ts'
import { createTalosNode } from '../lab/talos/node.ts'

const version = 'v1.13.9'
const perRow = 200

/** What a large cluster is made of. */
export interface ClusterOrder {
  /** The second octet of its addresses, 127.<net>.x.y. */
  readonly net: number
  readonly controlPlanes: number
  readonly workers: number
  readonly directory: string
  /** What a node takes to stop, in ms. */
  readonly stop?: number
  /** Parts of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>
}

/**
 * Talos nodes, each with a server of its own, and a Kubernetes API and a Factory for them; all are ready when it
 * returns. `file`: where its configuration lies. Nothing here looks at all nodes at each change of one, as the small
 * homelab does: that would be what is measured.
 */
export async function startCluster({ net, controlPlanes, workers, directory, stop, config }: ClusterOrder) {
  const authorities = { talos: await createAuthority('talos'), kubernetes: await createAuthority('kubernetes') }
  const factory = createFactory({ address: `127.${net}.0.80`, versions: [version] })
  await factory.start()
  const kubernetes = createKubernetesApi({ address: `127.${net}.0.100`, authority: authorities.kubernetes })
  const etcd = createEtcd()
  const nodes = Array.from({ length: controlPlanes + workers }, (_, index) => {
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
      pace: { boot: 0, settle: 0, ...(stop === undefined ? {} : { stop }) },
    })
  })
  for (const node of nodes) {
    kubernetes.addNode(node)
    kubernetes.setNodeReady(node.name, true)
  }
  await kubernetes.start()
  await Promise.all(nodes.map((node) => node.start()))
  while (!nodes.every(({ ready }) => ready)) await new Promise((resolve) => setTimeout(resolve, 50))
  for (const { name, bootId, machineId, uuid } of nodes)
    kubernetes.setNodeInfo(name, { bootID: bootId, machineID: machineId, systemUUID: uuid })

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
  return { nodes, kubernetes, file }
}
