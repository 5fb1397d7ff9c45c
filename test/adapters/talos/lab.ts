import { vi } from 'vitest'
import { createTalos, type TalosAdapter, type TalosOptions } from '../../../src/adapters/talos/talos.ts'
import type { Credentials } from '../../../src/adapters/talos/talosconfig.ts'
import { createAuthority, type LabAuthority } from '../../lab/authority.ts'
import { createEtcd, type LabEtcd } from '../../lab/talos/etcd.ts'
import { createTalosNode, type TalosNode, type TalosNodeOptions } from '../../lab/talos/node.ts'
import { patience } from '../../patience.ts'

export const schematic = 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595'
export const imageOf = (version: string, id = schematic) => `factory.lab/metal-installer/${id}:${version}`

/** Talos nodes on addresses of their own, and the adapter in front of them. */
export interface TalosLab extends AsyncDisposable {
  readonly authority: LabAuthority
  readonly etcd: LabEtcd
  readonly nodes: readonly TalosNode[]
  readonly talos: TalosAdapter
  /** The adapter with other credentials: another role, or parts of another cluster. */
  as(roles: readonly string[], changes?: Partial<Credentials>, options?: Partial<TalosOptions>): Promise<TalosAdapter>
}

export interface TalosLabNode extends Partial<TalosNodeOptions> {
  readonly name: string
  readonly address: string
}

/** Nodes whose names begin with `cp` are control planes. */
export async function startTalosLab(...shapes: readonly TalosLabNode[]): Promise<TalosLab> {
  const authority = await createAuthority('talos')
  const etcd = createEtcd()
  const nodes = shapes.map((shape) => {
    const isControlPlane = shape.name.startsWith('cp')
    return createTalosNode({
      role: isControlPlane ? 'controlplane' : 'worker',
      version: 'v1.13.9',
      schematic,
      authority,
      pace: { pull: 10, install: 40, stop: 40, boot: 40, settle: 40 },
      resolveImage(ref) {
        const [, id, version] = /\/([0-9a-f]{64}):(v[0-9.]+)$/.exec(ref) ?? []
        return id !== undefined && version !== undefined ? { schematic: id, version } : undefined
      },
      ...(isControlPlane ? { etcd } : {}),
      ...shape,
    })
  })
  await Promise.all(nodes.map((node) => node.start()))
  await vi.waitFor(() => {
    if (!nodes.every(({ ready }) => ready)) throw new Error('not all nodes are ready')
  }, patience)

  async function as(
    roles: readonly string[],
    changes: Partial<Credentials> = {},
    options: Partial<TalosOptions> = {},
  ): Promise<TalosAdapter> {
    const { cert, key } = await authority.issueClient({ common: 'caretaker', organizations: roles })
    const credentials = { ca: authority.ca, cert, key, roles, expires: new Date(Date.now() + 86_400_000), ...changes }
    return createTalos({ nodes, credentials, ...options })
  }
  return {
    authority,
    etcd,
    nodes,
    talos: await as(['os:admin']),
    as,
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) await node[Symbol.asyncDispose]()
    },
  }
}
