import type { KubernetesFacts } from '../../core/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import type { Kubernetes } from '../../core/ports.ts'
import { type Api, ApiRefusal } from './api.ts'
import { drain } from './drain.ts'
import { asRecord } from './kubeconfig.ts'
import { attemptsAnnotation, cordonAnnotation, readAttempts, readMark } from './marks.ts'

interface NodeObject {
  readonly metadata: {
    readonly name: string
    readonly resourceVersion: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly unschedulable?: boolean }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

export interface KubernetesOptions {
  /** Between two tries of an eviction that was refused, in ms. */
  readonly evictEvery?: number
}

/** A write that lost against another one is looked at and tried anew so often. */
const conflicts = 5

export function createKubernetes(api: Api, { evictEvery = 2_000 }: KubernetesOptions = {}): Kubernetes {
  const pathOf = (node: string) => `/api/v1/nodes/${encodeURIComponent(node)}`

  /**
   * Looks at the node, and patches it as it was then: with the resource version in the patch, a change by somebody else
   * in between is a conflict and not overwritten.
   */
  async function change(
    node: string,
    signal: AbortSignal,
    decide: (found: NodeObject) => object | undefined,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const found = await api.send<NodeObject>({ method: 'GET', path: pathOf(node), signal })
      const patch = decide(found)
      if (!patch) return
      try {
        const body = {
          ...patch,
          metadata: { ...(patch as { metadata?: object }).metadata, resourceVersion: found.metadata.resourceVersion },
        }
        await api.send({ method: 'PATCH', path: pathOf(node), body, signal })
        return
      } catch (error) {
        if (!(error instanceof ApiRefusal) || error.status !== 409 || attempt >= conflicts) throw error
      }
    }
  }

  return {
    version: async (signal) => {
      const { gitVersion } = await api.send<{ gitVersion?: string }>({ method: 'GET', path: '/version', signal })
      if (!gitVersion) throw new AgentError('malformed', 'the Kubernetes API does not tell its version')
      return gitVersion
    },
    nodes: async (signal) => {
      const { items = [] } = await api.send<{ items?: readonly NodeObject[] }>({
        method: 'GET',
        path: '/api/v1/nodes',
        signal,
      })
      return new Map(items.map((node) => [node.metadata.name, factsOf(node)]))
    },
    cordon: (node, mark, attempts, signal) =>
      change(node, signal, (found) => {
        const { unschedulable, cordon } = factsOf(found)
        if (unschedulable && !cordon) {
          if (mark.why === 'power') return undefined
          throw new AgentError('rejected', `${node} was cordoned by somebody else: uncordon it to go on`)
        }
        if (cordon?.why === 'upgrade' && mark.why === 'power') return undefined
        return {
          spec: { unschedulable: true },
          metadata: {
            annotations: {
              [cordonAnnotation]: JSON.stringify(mark),
              ...(attempts ? { [attemptsAnnotation]: JSON.stringify(attempts) } : {}),
            },
          },
        }
      }),
    noteFailure: (node, attempts, signal) =>
      change(node, signal, () => ({ metadata: { annotations: { [attemptsAnnotation]: JSON.stringify(attempts) } } })),
    uncordon: (node, why, { forgetAttempts }, signal) =>
      change(node, signal, (found) => {
        const { cordon, leftover } = factsOf(found)
        // A leftover goes too, whatever it was for: the next cordon there, anybody's, would look like ours.
        const ours = leftover || cordon?.why === why
        if (!ours && !forgetAttempts) return undefined
        return {
          ...(ours ? { spec: { unschedulable: null } } : {}),
          metadata: {
            annotations: {
              ...(ours ? { [cordonAnnotation]: null } : {}),
              ...(forgetAttempts ? { [attemptsAnnotation]: null } : {}),
            },
          },
        }
      }).catch((error: unknown) => {
        // A node that was taken out of the cluster is cordoned by nobody.
        if (!isMissing(error)) throw error
      }),
    drain: (node, policy, signal) => drain(api, node, policy, { evictEvery, signal }),
  }
}

/** There is no such node object. A 404 of what stands in front of the API server says nothing of the node. */
function isMissing(error: unknown): boolean {
  return error instanceof ApiRefusal && error.status === 404 && asRecord(error.details)['kind'] === 'nodes'
}

function factsOf({ metadata, spec, status }: NodeObject): KubernetesFacts {
  const unschedulable = spec?.unschedulable === true
  const mark = readMark(metadata.annotations?.[cordonAnnotation])
  return {
    ready: status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    unschedulable,
    // A mark on a node that is schedulable is a leftover: somebody has uncordoned it since.
    cordon: unschedulable ? mark : undefined,
    leftover: !unschedulable && mark !== undefined,
    attempts: readAttempts(metadata.annotations?.[attemptsAnnotation]),
  }
}
