import { join } from 'node:path'
import { createAuthority, type LabAuthority } from './authority.ts'
import { legacyIn, valueAt } from '../../src/core/machine-config/document.ts'
import type { SecretsBundle } from '../../src/core/machine-config/secrets.ts'
import { bundleOf } from './machine/bundle.ts'
import type { LabMachineOptions, LabMember } from './machine/types.ts'
import { createEtcd, type LabEtcd } from './talos/etcd.ts'
import { createFactory, type LabFactory } from './factory/factory.ts'
import { createKubernetesApi, type KubernetesApi } from './kubernetes/api.ts'
import { type LabHost, startLabHost } from './host.ts'
import type { Moment } from './homelab-alignment.ts'
import { type ConfigOverrides, homelabSchematicId, writeLabConfig } from './homelab-config.ts'
import { readImages } from './homelab-images.ts'
import { becomesReady, createFleet } from './homelab-fleet.ts'
import { macOf, shapesOf } from './homelab-machines.ts'
import { startWire } from './wire.ts'
import { claimNet } from './net-claim.ts'
import type { TalosNode } from './talos/node.ts'
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
    pace = {},
    diskless = [],
  } = options
  await using stack = new AsyncDisposableStack()
  let parts = stack
  stack.use(await claimNet(net))
  const address = (host: number) => `127.0.${net}.${host}`
  const servers = await startServers(stack, { address, versions: [version], ...options })
  const { factory, etcd, kubernetes, talosAuthority, kubernetesAuthority } = servers

  /** The share of the configuration that was written last. */
  let share: string | undefined
  const fleet = createFleet(() => parts, {
    version,
    pace,
    authority: talosAuthority,
    etcd,
    factory,
    kubernetes,
    kubeconfig: await kubernetes.kubeconfig(),
    diskless,
    share: () => share,
  })
  fleet.add(shapesOf(net, controlPlanes, workers))
  const { nodes, align, poweredOff, moments } = fleet
  etcd.onChange(align)
  await kubernetes.start()

  const nas = hasNas ? await startNas(stack, net, () => poweredOff.push('nas')) : undefined
  const { woken, wire } = await startWaking(stack, address(200), (mac) => {
    nodes.find((node) => node.mac.toLowerCase() === mac)?.wake()
    if (nas?.mac === mac) void nas.wake()
  })

  await Promise.all(nodes.map((node) => node.start()))
  await becomesReady(nodes)
  align()
  parts = stack.move()

  let bundle: SecretsBundle | undefined
  /** @throws Error where its configuration is not of this cluster */
  function admit(member: LabMember): TalosNode {
    checkMembership(member.config, talosAuthority, bundle)
    const { config: _, ...shape } = member
    return fleet.join(shape)
  }

  return {
    factory,
    nodes,
    secrets: async () => {
      bundle ??= await bundleOf(talosAuthority, kubernetesAuthority)
      return JSON.stringify(bundle)
    },
    admission: {
      authority: talosAuthority,
      resolveImage: readImages(factory).resolveImage,
      join: admit,
      version,
      schematic: homelabSchematicId,
    },
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
        wire,
        diskless,
      })
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

interface ServerOptions extends Pick<HomelabOptions, 'files' | 'kubernetesVersion'> {
  readonly versions: readonly string[]
  address(host: number): string
}

/** What stands beside the machines: the Factory listens, and the Kubernetes API waits for its control planes. */
async function startServers(stack: AsyncDisposableStack, options: ServerOptions) {
  const { address, versions, files, kubernetesVersion = 'v1.36.3' } = options
  const [talosAuthority, kubernetesAuthority] = await Promise.all([
    createAuthority('talos'),
    createAuthority('kubernetes'),
  ])
  const factory = stack.use(createFactory({ address: address(80), versions, ...(files ? { files } : {}) }))
  await factory.start()
  const kubernetes = stack.use(
    createKubernetesApi({
      address: address(100),
      authority: kubernetesAuthority,
      serverVersion: kubernetesVersion,
      pace: { etcdTimeout: 500, terminate: 30, reschedule: 50 },
    }),
  )
  return { talosAuthority, kubernetesAuthority, etcd: createEtcd(), factory, kubernetes }
}

async function startNas(stack: AsyncDisposableStack, net: number, onOff: () => void): Promise<LabHost> {
  return stack.use(await startLabHost({ name: 'nas', address: `127.0.${net}.6`, mac: macOf(net, 6), onOff }))
}

/** Listens for magic packets at this address; `wake` is told of each. */
async function startWaking(stack: AsyncDisposableStack, address: string, wake: (mac: string) => void) {
  const woken: string[] = []
  const { port } = stack.use(
    await startWire(address, (mac) => {
      woken.push(mac)
      wake(mac)
    }),
  )
  return { woken, wire: { address, port } }
}

/** @throws Error where the configuration is not of this cluster */
function checkMembership(
  config: LabMember['config'],
  authority: LabAuthority,
  bundle: SecretsBundle | undefined,
): void {
  const machineOf = (key: string) => valueAt(legacyIn(config), 'machine', key)
  const ca = machineOf('ca') as { readonly crt?: string } | undefined
  if (ca?.crt === undefined || atob(ca.crt) !== authority.ca) throw new Error('machine.ca is of another cluster')
  if (machineOf('token') !== bundle?.trustdinfo.token) throw new Error('trustd: rpc error: code = Unauthenticated')
}

/** Of the Deployment media/films, which is there to be spared. */
export function replicasOf({ kubernetes }: Pick<Homelab, 'kubernetes'>): number | undefined {
  const { replicas }: { replicas?: number } = { ...kubernetes.workload('Deployment', 'films', 'media')?.spec }
  return replicas
}
