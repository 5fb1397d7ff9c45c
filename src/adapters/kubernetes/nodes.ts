import type { KubernetesFacts } from '../../core/cluster/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import type { Kubernetes } from '../../core/cluster/ports.ts'
import { type Api, isMissing, listOf } from './api.ts'
import { despiteConflicts } from './conflicts.ts'
import {
  attemptsAnnotation,
  cordonAnnotation,
  pausedAnnotation,
  readAttempts,
  readMark,
  stagedAnnotation,
} from './marks.ts'

interface NodeObject {
  readonly metadata: {
    readonly name: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] }
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly nodeInfo?: { readonly machineID?: string; readonly bootID?: string }
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime?: string
}

interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

/** The part of a patch that we write. */
interface NodePatch {
  readonly spec?: { readonly unschedulable: true | null }
  readonly metadata: { readonly annotations: Readonly<Record<string, string | null>> }
}

type Nodes = Pick<
  Kubernetes,
  'nodes' | 'cordon' | 'noteMark' | 'noteFailure' | 'noteStaged' | 'uncordon' | 'forgetAttempts' | 'pause'
>

/** The node objects, and what we write on them. */
export function createNodes(api: Api): Nodes {
  const pathOf = (node: string) => `/api/v1/nodes/${encodeURIComponent(node)}`

  /**
   * Reads the node and patches it: with the resource version in the patch, a concurrent change is a conflict and is not
   * overwritten.
   */
  async function change(
    node: string,
    signal: AbortSignal,
    decide: (found: NodeObject) => NodePatch | undefined,
  ): Promise<void> {
    await despiteConflicts(signal, async () => {
      const found = await api.send<NodeObject>({ method: 'GET', path: pathOf(node), signal })
      const patch = decide(found)
      if (!patch) return
      const { resourceVersion } = found.metadata
      const body = { ...patch, metadata: { ...patch.metadata, resourceVersion } }
      await api.send({ method: 'PATCH', path: pathOf(node), body, signal })
    })
  }

  /** Sets or removes an annotation; without a difference nothing is written. */
  const annotate = (node: string, key: string, value: string | undefined, signal: AbortSignal) =>
    change(node, signal, ({ metadata: { annotations } }) =>
      annotations?.[key] === value ? undefined : { metadata: { annotations: { [key]: value ?? null } } },
    )

  return {
    nodes: async (signal) =>
      new Map(
        (await listOf<NodeObject>(api, '/api/v1/nodes', signal)).map((node) => [node.metadata.name, factsOf(node)]),
      ),
    cordon: (node, mark, attempts, signal) =>
      change(node, signal, (found) => {
        const { unschedulable, cordon } = factsOf(found)
        if (unschedulable && !cordon) {
          if (mark.why === 'power') return undefined
          throw new AgentError('rejected', `${node} was cordoned by someone else: uncordon it to continue`)
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
    noteMark: (node, mark, signal) =>
      change(node, signal, (found) => {
        if (factsOf(found).cordon?.why === 'upgrade')
          return { metadata: { annotations: { [cordonAnnotation]: JSON.stringify(mark) } } }
        throw new AgentError('not-now', 'our cordon is gone, so its pods may have returned')
      }),
    noteFailure: (node, attempts, signal) =>
      change(node, signal, ({ metadata: { annotations } }) => {
        const text = JSON.stringify(attempts)
        const isStale = attempts.rolledBack === true && annotations?.[stagedAnnotation] !== undefined
        if (annotations?.[attemptsAnnotation] === text && !isStale) return undefined
        return {
          metadata: { annotations: { [attemptsAnnotation]: text, ...(isStale ? { [stagedAnnotation]: null } : {}) } },
        }
      }),
    noteStaged: (node, mark, signal) => annotate(node, stagedAnnotation, JSON.stringify(mark), signal),
    forgetAttempts: (node, signal) => annotate(node, attemptsAnnotation, undefined, signal),
    pause: (node, reason, signal) => annotate(node, pausedAnnotation, reason, signal),
    uncordon: (node, why, { forgetAttempts }, signal) =>
      change(node, signal, (found) => {
        const { cordon, leftover } = factsOf(found)
        // A leftover mark is removed too, whatever its reason: it would make the next cordon look like ours.
        const ours = leftover !== undefined || cordon?.why === why
        if (!ours && !forgetAttempts) return undefined
        return {
          ...(ours ? { spec: { unschedulable: null } } : {}),
          metadata: {
            annotations: {
              ...(ours ? { [cordonAnnotation]: null } : {}),
              ...(forgetAttempts ? { [attemptsAnnotation]: null, [stagedAnnotation]: null } : {}),
            },
          },
        }
      }).catch((error: unknown) => {
        // A node that left the cluster needs no uncordon.
        if (!isMissing(error, 'nodes')) throw error
      }),
  }
}

function factsOf({ metadata: { labels = {}, annotations = {} }, spec, status }: NodeObject): KubernetesFacts {
  const unschedulable = spec?.unschedulable === true
  const mark = readMark(annotations[cordonAnnotation])
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  const ready = condition?.status === 'True'
  const changedAt = Date.parse(condition?.lastTransitionTime ?? '')
  return {
    ready,
    // Of those that we cordoned: whether they were up by then.
    ...(ready || !unschedulable || !mark || Number.isNaN(changedAt) ? {} : { notReadySince: changedAt }),
    unschedulable,
    // A mark on a schedulable node is a leftover: someone else has uncordoned the node.
    cordon: unschedulable ? mark : undefined,
    leftover: unschedulable ? undefined : mark,
    attempts: readAttempts(annotations[attemptsAnnotation]),
    staged: readMark(annotations[stagedAnnotation]),
    zone: labels['topology.kubernetes.io/zone'],
    taints: (spec?.taints ?? []).map(describeTaint),
    // A UUID with its dashes, and upper case, are the same id (systemd's machine-id(5)).
    machineId: status?.nodeInfo?.machineID?.replaceAll('-', '').toLowerCase() || undefined,
    bootId: status?.nodeInfo?.bootID || undefined,
    paused: annotations[pausedAnnotation] === '' ? 'no reason given' : annotations[pausedAnnotation],
  }
}

/** As kubectl writes them (k8s.io/api core/v1 Taint.ToString): `key=value:effect`, `key:effect`. */
function describeTaint({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`
}
