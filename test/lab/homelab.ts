import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority } from './authority.ts'
import { legacyIn, valueAt } from '../../src/core/machine-config/document.ts'
import type { SecretsBundle } from '../../src/core/machine-config/secrets.ts'
import { bundleOf } from './machine/bundle.ts'
import type { LabMachineOptions, LabMember } from './machine/types.ts'
import { createEtcd, type LabEtcd } from './talos/etcd.ts'
import { createFactory, type LabFactory } from './factory/factory.ts'
import { createKubernetesApi, type KubernetesApi } from './kubernetes/api.ts'
import { type LabHost, startLabHost } from './host.ts'
import { bootedBy, type ConfigOverrides, homelabSchematicId, writeLabConfig } from './homelab-config.ts'
import { readImages } from './homelab-images.ts'
import { startWire } from './wire.ts'
import { claimNet } from './net-claim.ts'
import { createTalosNode, type TalosNode } from './talos/node.ts'
import type { TalosPace } from './talos/types.ts'

export interface HomelabOptions {
  /** The second octet from the right of every address: 127.0.<net>.x. A lab waits for another one that has the same. */
  readonly net: number
  readonly controlPlanes?: number
  readonly workers?: number
  /** Whether there is a NAS on the same UPS. */
  readonly nas?: boolean
  /** The Talos release that the nodes run at first. */
  readonly version?: string
  /** What the Factory offers at first. */
  readonly versions?: readonly string[]
  readonly kubernetesVersion?: string
  readonly pace?: Partial<TalosPace>
  /** Real image files for the Factory, by release. */
  readonly files?: Readonly<Record<string, string>>
  /** Workers without an installation: each boots a file of its own from the share of the configuration. */
  readonly diskless?: readonly string[]
}

/** How the cluster was at one moment, as the lab itself knows it. */
export interface Moment {
  /** ms since the epoch. */
  readonly at: number
  readonly quorum: boolean
  /** Nodes that are not running and ready. */
  readonly down: readonly string[]
}

export { type ConfigOverrides, homelabSchematic, homelabSchematicId } from './homelab-config.ts'

/** A whole homelab of wire-level stand-ins: Image Factory, Talos nodes, etcd, Kubernetes API, and a wire for magic packets. */
export interface Homelab extends AsyncDisposable {
  readonly factory: LabFactory
  readonly nodes: readonly TalosNode[]
  readonly etcd: LabEtcd
  readonly kubernetes: KubernetesApi
  /** Every change of the cluster since the start, oldest first: the lab as judge. */
  readonly moments: readonly Moment[]
  /** Absent where there is none. */
  readonly nas: LabHost | undefined
  /** Names of machines in the order in which they powered off. */
  readonly poweredOff: readonly string[]
  /** MAC addresses that a magic packet came for, in order. */
  readonly woken: readonly string[]
  node(name: string): TalosNode
  /** The secrets of the cluster, as a secrets.yaml has them: JSON is YAML. */
  secrets(): Promise<string>
  /** What a machine needs of the lab that is to join it. Call `secrets` before it does. */
  readonly admission: Pick<LabMachineOptions, 'authority' | 'resolveImage' | 'join' | 'version' | 'schematic'>
  /** Pulls the cord of everything at once. */
  cutPower(): void
  /** Writes a configuration for this homelab, and all the files that it names; returns its path. */
  writeConfig(directory: string, overrides?: ConfigOverrides): Promise<string>
}

export async function startHomelab(options: HomelabOptions): Promise<Homelab> {
  const {
    net,
    controlPlanes = 3,
    workers = 2,
    nas: hasNas = false,
    version = 'v1.13.9',
    kubernetesVersion = 'v1.36.3',
    pace = {},
    files,
    diskless = [],
  } = options
  await using stack = new AsyncDisposableStack()
  let parts = stack
  stack.use(await claimNet(net))
  const address = (host: number) => `127.0.${net}.${host}`
  const [talosAuthority, kubernetesAuthority] = await Promise.all([
    createAuthority('talos'),
    createAuthority('kubernetes'),
  ])
  const etcd = createEtcd()
  const factory = stack.use(
    createFactory({ address: address(80), versions: options.versions ?? [version], ...(files ? { files } : {}) }),
  )
  await factory.start()

  const kubernetes = stack.use(
    createKubernetesApi({
      address: address(100),
      authority: kubernetesAuthority,
      serverVersion: kubernetesVersion,
      pace: { etcdTimeout: 500, terminate: 30, reschedule: 50 },
    }),
  )
  const kubeconfig = await kubernetes.kubeconfig()

  const { resolveImage, extensionsOf, kernelArgumentsOf } = readImages(factory)

  /** The share of the configuration that was written last. */
  let share: string | undefined
  function servedTo(name: string) {
    const record = join(share ?? '', `${bootedBy(name)}.json`)
    if (share === undefined || !existsSync(record)) return undefined
    return JSON.parse(readFileSync(record, 'utf8')) as { readonly version: string; readonly schematic: string }
  }

  const shapes = [
    ...Array.from({ length: controlPlanes }, (_, index) => ({
      name: `cp-${index + 1}`,
      role: 'controlplane' as const,
      host: 11 + index,
    })),
    ...Array.from({ length: workers }, (_, index) => ({
      name: `w-${index + 1}`,
      role: 'worker' as const,
      host: 41 + index,
    })),
  ]
  const nodes: TalosNode[] = []
  function makeNode(own: Pick<LabMember, 'name' | 'role' | 'address' | 'mac'> & Partial<LabMember>): TalosNode {
    const { config: _, ...shape } = own
    const node = parts.use(
      createTalosNode({
        version,
        schematic: homelabSchematicId,
        ...shape,
        authority: talosAuthority,
        ...(own.role === 'controlplane' ? { etcd } : {}),
        resolveImage,
        components: () => kubernetes.componentsOf(own.name),
        extensionsOf,
        kernelArgumentsOf,
        kubeconfig: () => kubeconfig,
        ...(diskless.includes(own.name) ? { served: () => servedTo(own.name) } : {}),
        peers: () => nodes,
        pace,
      }),
    )
    nodes.push(node)
    return node
  }
  const macOf = (host: number) =>
    `02:00:00:00:${net.toString(16).padStart(2, '0')}:${host.toString(16).padStart(2, '0')}`
  for (const { name, role, host } of shapes) makeNode({ name, role, address: address(host), mac: macOf(host) })

  const moments: Moment[] = []
  const poweredOff: string[] = []
  const running = new Set<string>()
  /** By node, the boot that its kubelet has reported. */
  const reported = new Map<string, string>()
  function align(): void {
    const quorum = etcd.hasQuorum()
    const apiServers = nodes.filter((node) => node.role === 'controlplane' && node.stage === 'running')
    kubernetes.setAvailability(apiServers.length === 0 ? 'down' : quorum ? 'serving' : 'no-quorum')
    for (const node of nodes) {
      const isReady = node.stage === 'running' && node.ready
      // A kubelet reports the boot before it reports that it is Ready in it.
      if (isReady && reported.get(node.name) !== node.bootId && quorum && apiServers.length > 0) {
        reported.set(node.name, node.bootId)
        kubernetes.setNodeInfo(node.name, { bootID: node.bootId, machineID: node.machineId, systemUUID: node.uuid })
      }
      kubernetes.setNodeReady(node.name, isReady)
    }
    for (const { name, power } of nodes) {
      if (power === 'off' && running.delete(name)) poweredOff.push(name)
      if (power === 'on') running.add(name)
    }
    const down = nodes.filter((node) => !node.ready).map(({ name }) => name)
    const last = moments.at(-1)
    if (last?.quorum !== quorum || last.down.join() !== down.join()) moments.push({ at: Date.now(), quorum, down })
  }
  function register(node: TalosNode): void {
    kubernetes.addNode({ name: node.name, role: node.role, address: node.address })
    if (node.role === 'controlplane') kubernetes.runControlPlane(node.name)
    parts.defer(node.onChange(align))
  }
  for (const node of nodes) register(node)
  etcd.onChange(align)
  await kubernetes.start()

  const nas = hasNas
    ? stack.use(
        await startLabHost({
          name: 'nas',
          address: address(6),
          mac: `02:00:00:00:${net.toString(16).padStart(2, '0')}:06`,
          onOff: () => poweredOff.push('nas'),
        }),
      )
    : undefined
  const woken: string[] = []
  const wire = await startWire(address(200), (mac) => {
    woken.push(mac)
    nodes.find((node) => node.mac.toLowerCase() === mac)?.wake()
    if (nas?.mac === mac) void nas.wake()
  })
  stack.use(wire)

  await Promise.all(nodes.map((node) => node.start()))
  await becomesReady(nodes)
  align()
  parts = stack.move()

  let bundle: SecretsBundle | undefined
  /** @throws Error where its configuration is not of this cluster */
  function admit(member: LabMember): TalosNode {
    const machineOf = (key: string) => valueAt(legacyIn(member.config), 'machine', key)
    const ca = machineOf('ca') as { readonly crt?: string } | undefined
    if (ca?.crt === undefined || atob(ca.crt) !== talosAuthority.ca) throw new Error('machine.ca is of another cluster')
    if (machineOf('token') !== bundle?.trustdinfo.token) throw new Error('trustd: rpc error: code = Unauthenticated')
    const before = nodes.findIndex(({ name }) => name === member.name)
    if (before !== -1) nodes.splice(before, 1)
    const node = makeNode(member)
    if (before === -1) register(node)
    else parts.defer(node.onChange(align))
    return node
  }

  return {
    factory,
    nodes,
    secrets: async () => {
      bundle ??= await bundleOf(talosAuthority, kubernetesAuthority)
      return JSON.stringify(bundle)
    },
    admission: { authority: talosAuthority, resolveImage, join: admit, version, schematic: homelabSchematicId },
    nas,
    etcd,
    kubernetes,
    moments,
    poweredOff,
    woken,
    node: (name) => nodes.find((node) => node.name === name)!,
    cutPower: () => {
      for (const node of nodes) node.cutPower()
    },
    writeConfig: async (directory, overrides = {}) => {
      share = join(directory, 'share')
      return writeLabConfig(directory, overrides, {
        nodes,
        nas,
        authority: talosAuthority,
        kubeconfig: () => kubernetes.kubeconfig({ user: 'caretaker' }),
        factoryUrl: factory.url,
        wire: { address: address(200), port: wire.port },
        diskless,
      })
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function becomesReady(nodes: readonly TalosNode[]): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = []
    const look = () => {
      if (!nodes.every((node) => node.ready)) return
      for (const stop of stops) stop()
      resolve()
    }
    for (const node of nodes) stops.push(node.onChange(look))
    look()
  })
}

/** Of the Deployment media/films, which is there to be spared. */
export function replicasOf({ kubernetes }: Pick<Homelab, 'kubernetes'>): number | undefined {
  const { replicas }: { replicas?: number } = { ...kubernetes.workload('Deployment', 'films', 'media')?.spec }
  return replicas
}
