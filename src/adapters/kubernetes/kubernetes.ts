import { AgentError } from '../../core/errors.ts'
import type { Kubernetes } from '../../core/cluster/ports.ts'
import type { Api } from './api.ts'
import { findComponents } from './components.ts'
import { drain } from './drain.ts'
import { createLease } from './lease.ts'
import { createNodes } from './nodes.ts'
import { observePermissions } from './permissions.ts'
import { createScaling } from './scaling.ts'
import { createStorageSettings } from './storage-settings.ts'
import { observeStorage } from './storage.ts'
import { createSystems, type SystemsOptions } from './systems.ts'
import { observeUnhealed } from './unhealed.ts'
import { observeWorkloads } from './workloads.ts'

export interface KubernetesOptions extends SystemsOptions {
  /** Between two tries of an eviction that was refused, in ms. */
  readonly evictEvery?: number
}

export function createKubernetes(api: Api, { evictEvery = 2_000, ...options }: KubernetesOptions = {}): Kubernetes {
  const systems = createSystems(api, options)
  return {
    ...createNodes(api),
    ...createLease(api),
    ...createScaling(api),
    ...createStorageSettings(api, systems),
    version: async (signal) => {
      const { gitVersion } = await api.send<{ gitVersion?: string }>({ method: 'GET', path: '/version', signal })
      if (!gitVersion) throw new AgentError('malformed', 'the Kubernetes API does not report its version')
      return gitVersion
    },
    drain: (node, policy, signal) => drain(api, node, policy, { evictEvery, signal }),
    components: (signal) => findComponents(api, signal),
    workloads: (signal) => observeWorkloads(api, signal),
    forbidden: (signal) => observePermissions(api, systems, signal),
    storage: (signal) => observeStorage(api, systems, signal),
    unhealed: (signal) => observeUnhealed(api, systems, signal),
  }
}
