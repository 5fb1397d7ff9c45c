import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterOrder } from './cluster.ts'
import { forkCluster } from './forked.ts'

const controlPlanes = 3

/** A homelab of many nodes in a process of its own. */
export interface ManyNodes extends AsyncDisposable {
  readonly directory: string
  readonly config: string
  readonly pid: number
  /** Connections that its nodes have been asked for so far. */
  connections(): Promise<number>
}

/** `net`: the second octet of its addresses, 127.<net>.x.y; `sections`: further ones of its configuration. */
export async function startManyNodes(
  net: number,
  count: number,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<ManyNodes> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const order: ClusterOrder = { net, controlPlanes, workers: count - controlPlanes, directory, config: sections }
  const { config, pid, ask } = await forkCluster(stack, 'many-nodes-process.ts', order)
  const parts = stack.move()
  return {
    directory,
    config,
    pid,
    connections: async () => (await ask()) as number,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
