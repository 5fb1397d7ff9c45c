import type { Cluster, Node } from '../../core/cluster/cluster.ts'
import { about, failed, type Found, ok, skipped } from '../../core/doctor/check.ts'
import { judgeClock, judgeHealth, judgeIdentity, judgeRole, judgeWaking } from '../../core/doctor/node.ts'
import { messageOf } from '../../core/errors.ts'
import type { Look, Means } from './look.ts'
import { packetLook } from './packets.ts'

/** Every node: its API with our roles, its machine type, who it is, its clock, and what wakes it. */
export function nodeLooks(means: Means): readonly Look[] {
  const { context, cluster, machines } = means
  const { config, ports } = context
  if (config.nodes.length === 0)
    return [
      {
        id: 'node.none',
        subject: 'nodes',
        look: async () => [
          about(
            'node.none',
            'nodes',
            skipped('no node is configured', 'List them under nodes to have them upgraded and shut down'),
          ),
        ],
      },
    ]
  return [
    // Without a subject: it is about all of them.
    { id: 'node', subject: '', within: 20_000, look: async () => lookAtAll(await cluster()) },
    ...config.nodes.map(({ name, mac }): Look => ({
      id: `node.clock:${name}`,
      subject: name,
      within: 30_000,
      look: async (signal) => inspect(name, { means, macs: [mac ?? []].flat() }, signal),
    })),
    ...machines.filter(({ kind }) => kind === 'node').map((machine) => packetLook('node', machine, ports.waker)),
  ]
}

function lookAtAll({ nodes, kubernetes }: Cluster): readonly Found[] {
  // What keeps Kubernetes from being asked at all is told once, and not of each node.
  const errors = new Set(nodes.map((node) => (node.kubernetes.ok ? undefined : node.kubernetes.error)))
  const isCommon = !kubernetes.ok || (nodes.length > 1 && errors.size === 1 && !errors.has(undefined))
  return nodes.flatMap((node) => lookAt(node, isCommon))
}

function lookAt(node: Node, isKubernetesAway: boolean): readonly Found[] {
  const { name, talos, identity, kubernetes } = node
  if (!talos.ok)
    return [about(`node.api:${name}`, name, failed(`does not answer: ${talos.error}`, adviceFor(talos.error)))]
  const isUnknown = isKubernetesAway && !kubernetes.ok && identity.kind !== 'another' && identity.kind !== 'renamed'
  return [
    about(`node.api:${name}`, name, ok('its API answers, and takes our certificate')),
    about(`node.role:${name}`, name, judgeRole(node)),
    about(
      `node.identity:${name}`,
      name,
      isUnknown ? skipped('Kubernetes could not be asked: see kubernetes.api') : judgeIdentity(node),
    ),
    about(`node.health:${name}`, name, judgeHealth(node)),
  ]
}

function adviceFor(error: string): string {
  if (/certificate|CA |role|talosconfig/i.test(error)) return 'Give Caretaker the present talosconfig of this cluster'
  return 'See that it is on, and that its address in caretaker.yaml is right (port 50000)'
}

async function inspect(
  name: string,
  { means: { context, cluster }, macs }: { readonly means: Means; readonly macs: readonly string[] },
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { doctor } = context.ports
  const node = (await cluster()).nodes.find((one) => one.name === name)
  const talos = node?.talos
  // That it does not answer is told by the check of its API.
  if (!doctor || !talos?.ok) return []
  const isAnother = node?.identity.kind === 'another'
  const { clock, links } = await doctor.nodes.inspect(name, signal).catch((error: unknown) => ({
    clock: messageOf(error),
    links: undefined,
  }))
  return [
    about(
      `node.clock:${name}`,
      name,
      typeof clock === 'string' ? failed(`could not be asked for its time: ${clock}`) : judgeClock(clock),
    ),
    about(
      `node.wake:${name}`,
      name,
      isAnother
        ? skipped('another machine answers at its address: see node.identity')
        : judgeWaking(macs, { links, version: talos.value.version }),
    ),
  ]
}
