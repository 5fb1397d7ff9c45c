import { vi } from 'vitest'
import { createApi, type Api } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import type { Kubernetes } from '../../../src/core/cluster/ports.ts'
import { createAuthority } from '../../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from '../../lab/kubernetes/api.ts'
import { patience, soon } from '../../patience.ts'

/** A Kubernetes API with cp-1, w-1 and w-2, and the adapter in front of it. */
export interface KubernetesLab extends AsyncDisposable {
  readonly lab: KubernetesApi
  readonly api: Api
  readonly kubernetes: Kubernetes
  /** What a person with kubectl changes on a node. */
  patchNode(node: string, patch: object): Promise<void>
  annotations(node: string): Readonly<Record<string, string>>
  /** What was done to nodes and pods, in order. */
  diary(): string[]
}

export async function startKubernetesLab(
  address: string,
  options: Partial<KubernetesApiOptions> = {},
): Promise<KubernetesLab> {
  const authority = await createAuthority('kubernetes')
  const { pace, ...others } = options
  const lab = createKubernetesApi({
    address,
    port: 26_443,
    authority,
    pace: { terminate: 20, reschedule: 20, etcdTimeout: 200, ...pace },
    ...others,
  })
  for (const [index, name] of ['cp-1', 'w-1', 'w-2'].entries())
    lab.addNode({ name, role: index === 0 ? 'controlplane' : 'worker', address: `10.0.0.${index + 1}` })
  await lab.start()
  const api = createApi(parseKubeconfig(await lab.kubeconfig({ user: 'caretaker' }), 'kubeconfig'))
  const person = createApi(parseKubeconfig(await lab.kubeconfig({ user: 'me' }), 'kubeconfig'))
  return {
    lab,
    api,
    kubernetes: createKubernetes(api, { evictEvery: 30 }),
    patchNode: async (node, body) => {
      const signal = soon()
      await person.send({ method: 'PATCH', path: `/api/v1/nodes/${node}`, body, signal })
    },
    annotations: (node) => lab.node(node)?.metadata.annotations ?? {},
    diary: () => lab.diary.map(({ text }) => text),
    [Symbol.asyncDispose]: async () => {
      api[Symbol.dispose]()
      person[Symbol.dispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}

/** Aborts as soon as this is so: not before, however busy the machine is. */
export function until(isSo: () => boolean): AbortSignal {
  const end = new AbortController()
  void vi.waitUntil(isSo, patience).then(() => end.abort())
  return end.signal
}
