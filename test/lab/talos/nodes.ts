import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { parse } from 'yaml'
import { ContainerDriver, ContainerdNamespace } from '../../../src/adapters/talos/gen/common_pb.ts'
import { createAuthority, type LabAuthority } from '../authority.ts'
import { createEtcd, type LabEtcd } from './etcd.ts'
import { all, connectTalos, type TalosCalls } from './client.ts'
import { createTalosNode, type TalosNode, type TalosNodeOptions } from './node.ts'

/** Schematics: what nodes have first, and what they are upgraded to. */
export const first = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba'
export const second = 'c'.repeat(64)

/** Where installers are pulled to. */
export const system = { driver: ContainerDriver.CRI, namespace: ContainerdNamespace.NS_SYSTEM }

/** The installer of a release, as its reference names it. */
export const imageOf = (version: string, schematic = second) =>
  `factory.talos.dev/metal-installer/${schematic}:${version}`

/** What a node is, where not w-1 with Talos 1.13.9. */
export type NodeOptions = Partial<TalosNodeOptions> & { readonly address: string }

/** Control planes that share an etcd. */
export interface ControlPlanes {
  readonly etcd: LabEtcd
  readonly nodes: readonly TalosNode[]
}

/** Nodes of one cluster, which end with the test. */
export interface TalosNodes {
  readonly authority: LabAuthority
  /** What ends with the test. */
  readonly stack: AsyncDisposableStack
  /** Boots control planes at the same time. */
  makeControlPlanes(addresses: readonly string[], options?: Partial<TalosNodeOptions>): Promise<ControlPlanes>
  bootWorker(options: NodeOptions): Promise<TalosNode>
  /** A client with a certificate for these roles, or an admin's. */
  callsTo(node: TalosNode, organizations?: readonly string[]): Promise<TalosCalls>
}

/** Registers what has to be done before and after each test. */
export function createTalosNodes(): TalosNodes {
  let authority: LabAuthority
  let stack: AsyncDisposableStack
  beforeAll(async () => {
    authority = await createAuthority('talos')
  })
  beforeEach(() => {
    stack = new AsyncDisposableStack()
  })
  afterEach(() => stack.disposeAsync())

  function makeNode(options: NodeOptions): TalosNode {
    return stack.use(
      createTalosNode({
        name: 'w-1',
        role: 'worker',
        version: 'v1.13.9',
        schematic: first,
        authority,
        pace: { pull: 20, install: 40, stop: 60, boot: 40, settle: 40 },
        resolveImage(ref) {
          const [, schematic, version] = /\/([0-9a-f]{64}):(v[0-9.]+)$/.exec(ref) ?? []
          return schematic !== undefined && version !== undefined ? { schematic, version } : undefined
        },
        ...options,
      }),
    )
  }

  async function makeControlPlanes(
    addresses: readonly string[],
    options: Partial<TalosNodeOptions> = {},
  ): Promise<ControlPlanes> {
    const etcd = createEtcd()
    const nodes = addresses.map((address, at) =>
      makeNode({ name: `cp-${at + 1}`, role: 'controlplane', address, etcd, ...options }),
    )
    await Promise.all(nodes.map((node) => node.start()))
    await until(nodes, () => nodes.every(({ ready }) => ready))
    return { etcd, nodes }
  }

  async function bootWorker(options: NodeOptions): Promise<TalosNode> {
    const node = makeNode(options)
    await node.start()
    await until([node], () => node.ready)
    return node
  }

  async function callsTo(node: TalosNode, organizations?: readonly string[]): Promise<TalosCalls> {
    return stack.use(await connectTalos(authority, node, organizations))
  }

  return {
    get authority() {
      return authority
    },
    get stack() {
      return stack
    },
    makeControlPlanes,
    bootWorker,
    callsTo,
  }
}

/** Waits for a condition on what nodes show of themselves; the test's own limit ends it. */
export async function until(nodes: readonly TalosNode[], condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>((resolve) => {
    const offs = nodes.map((node) =>
      node.onChange(() => {
        if (!condition()) return
        for (const off of offs) off()
        resolve()
      }),
    )
  })
}

/** A resource's own part, of one that is there. */
export async function spec(calls: TalosCalls, namespace: string, type: string, id: string): Promise<unknown> {
  const { resource } = await calls.state.get({ namespace, type, id })
  expect(resource?.metadata).toMatchObject({ namespace, type, id, phase: 'running' })
  return parse(resource?.spec?.yamlSpec ?? '')
}

/** Pulls a release's installer and runs it. */
export async function install(
  calls: TalosCalls,
  version: string,
): Promise<{ output: string; exitCode: number | undefined }> {
  const pulled = await all(calls.image.pull({ containerd: system, imageRef: imageOf(version) }))
  const name = pulled.at(-1)?.response
  expect(name?.case).toBe('name')
  const source = { imageName: name?.case === 'name' ? name.value : '' }
  const items = (await all(calls.lifecycle.upgrade({ containerd: system, source }))).map(
    ({ progress }) => progress?.response,
  )
  const output = items.map((item) => (item?.case === 'message' ? item.value : '')).join('')
  const last = items.at(-1)
  return { output, exitCode: last?.case === 'exitCode' ? last.value : undefined }
}
