import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabAuthority } from './authority.ts'
import type { LabFactory } from './factory/factory.ts'
import { bootedBy, homelabSchematicId } from './homelab-config.ts'
import { readImages } from './homelab-images.ts'
import type { KubernetesApi } from './kubernetes/api.ts'
import type { LabMember } from './machine/types.ts'
import type { LabEtcd } from './talos/etcd.ts'
import { createTalosNode, type TalosNode } from './talos/node.ts'
import type { LabImage, TalosPace } from './talos/types.ts'

/** What the machines of a homelab have in common. */
export interface MachineParts {
  readonly version: string
  readonly pace: Partial<TalosPace>
  readonly authority: LabAuthority
  readonly etcd: LabEtcd
  readonly factory: LabFactory
  readonly kubernetes: KubernetesApi
  /** What a control plane hands out. */
  readonly kubeconfig: string
  /** Names of workers without an installation. */
  readonly diskless: readonly string[]
  /** The share that machines without an installation boot from, if there is one by now. */
  share(): string | undefined
  readonly peers: readonly TalosNode[]
}

/** What is a machine's own; one that joins brings its release and its identity. */
export type MachineShape = Pick<LabMember, 'name' | 'role' | 'address' | 'mac'> & Partial<Omit<LabMember, 'config'>>

/** A machine of the homelab, without power. */
export function createMachine(shape: MachineShape, parts: MachineParts): TalosNode {
  const { version, pace, authority, etcd, factory, kubernetes, kubeconfig, diskless, share, peers } = parts
  const { resolveImage, extensionsOf, kernelArgumentsOf } = readImages(factory)
  return createTalosNode({
    version,
    schematic: homelabSchematicId,
    ...shape,
    authority,
    ...(shape.role === 'controlplane' ? { etcd } : {}),
    resolveImage,
    components: () => kubernetes.componentsOf(shape.name),
    extensionsOf,
    kernelArgumentsOf,
    kubeconfig: () => kubeconfig,
    ...(diskless.includes(shape.name) ? { served: () => servedTo(shape.name, share()) } : {}),
    peers: () => peers,
    pace,
  })
}

/** The machines that a homelab has at first: control planes from .11 on, workers from .41 on. */
export function shapesOf(net: number, controlPlanes: number, workers: number): readonly MachineShape[] {
  const shapes = (count: number, role: MachineShape['role'], prefix: string, firstHost: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `${prefix}-${index + 1}`,
      role,
      address: `127.0.${net}.${firstHost + index}`,
      mac: macOf(net, firstHost + index),
    }))
  return [...shapes(controlPlanes, 'controlplane', 'cp', 11), ...shapes(workers, 'worker', 'w', 41)]
}

export function macOf(net: number, host: number): string {
  const [third, fourth] = [net, host].map((octet) => octet.toString(16).padStart(2, '0'))
  return `02:00:00:00:${third}:${fourth}`
}

/** What the share has for a machine that boots from it. */
function servedTo(name: string, share: string | undefined): LabImage | undefined {
  const record = join(share ?? '', `${bootedBy(name)}.json`)
  if (share === undefined || !existsSync(record)) return undefined
  return JSON.parse(readFileSync(record, 'utf8')) as LabImage
}
