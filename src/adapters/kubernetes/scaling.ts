import { AgentError } from '../../core/errors.ts'
import type { Kubernetes } from '../../core/cluster/ports.ts'
import type { ScaledWorkload, WorkloadSelection } from '../../core/cluster/workload.ts'
import { type Api, ApiRefusal, isMissing, listOf, queryOf } from './api.ts'
import { despiteConflicts } from './conflicts.ts'
import { replicasAnnotation } from './marks.ts'

/**
 * On a workload that we scaled to nothing: how many replicas it had, for whoever finds it without our journal. A label,
 * because controllers copy annotations: a Deployment's to its ReplicaSets, from where `kubectl rollout undo` brings them
 * back, and a StatefulSet's to its ControllerRevisions (kubernetes pkg/controller/deployment/util/deployment_util.go
 * copyDeploymentAnnotationsToReplicaSet, pkg/controller/statefulset/stateful_set_control.go). Nobody copies its labels.
 * Caretaker 0.1 wrote an annotation of this name: it is taken away with the next change, and never believed.
 */
export const replicasLabel = 'caretaker.homelab/replicas-before'

/** k8s.io/api apps/v1 Deployment, StatefulSet; batch/v1 CronJob. */
interface WorkloadObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: { readonly replicas?: number; readonly suspend?: boolean }
}

type Kind = ScaledWorkload['kind']
type Workload = Pick<ScaledWorkload, 'kind' | 'namespace' | 'name'>

const resources: Readonly<Record<Kind, { readonly root: string; readonly plural: string }>> = {
  Deployment: { root: '/apis/apps/v1', plural: 'deployments' },
  StatefulSet: { root: '/apis/apps/v1', plural: 'statefulsets' },
  CronJob: { root: '/apis/batch/v1', plural: 'cronjobs' },
}

/**
 * Scales workloads to nothing, and back. A HorizontalPodAutoscaler does not fight this: it is off while its target has no
 * replicas (kubernetes pkg/controller/podautoscaler/horizontal.go "ScalingDisabled"; one with minReplicas 0 is not).
 */
export function createScaling(api: Api): Pick<Kubernetes, 'scalable' | 'scaledDown' | 'scale'> {
  async function scaleOnce({ kind, namespace, name }: Workload, replicas: number, signal: AbortSignal): Promise<void> {
    const { root, plural } = resources[kind]
    const path = `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`
    const patch = (at: string, body: object) => api.send({ method: 'PATCH', path: at, body, signal })
    const { metadata, spec } = await api.send<WorkloadObject>({ method: 'GET', path, signal })
    const { resourceVersion, labels, annotations } = metadata
    const present = replicasOf(kind, spec)
    // Replicas that someone else has restored are kept; a leftover note is removed.
    const isToChange = replicas === 0 ? present > 0 : present === 0
    const isNoted = labels?.[replicasLabel] !== undefined || annotations?.[replicasAnnotation] !== undefined
    const isToNote = replicas > 0 ? isNoted : isToChange
    const note = replicas > 0 ? null : String(present)
    const noteIn = {
      labels: { [replicasLabel]: note },
      ...(annotations?.[replicasAnnotation] === undefined ? {} : { annotations: { [replicasAnnotation]: null } }),
    }
    if (kind === 'CronJob') {
      if (!isToChange && !isToNote) return
      const metadataOf = { resourceVersion, ...(isToNote ? noteIn : {}) }
      await patch(path, { metadata: metadataOf, ...(isToChange ? { spec: { suspend: replicas === 0 } } : {}) })
      return
    }
    const scale = (version: string) =>
      patch(`${path}/scale`, { metadata: { resourceVersion: version }, spec: { replicas } })
    if (replicas > 0) {
      if (isToChange) await scale(resourceVersion)
      if (isToNote) await patch(path, { metadata: noteIn }).catch(forgive)
      return
    }
    if (!isToChange) return
    // The note first: without it, a workload at 0 replicas would lose its count.
    const noted = await patch(path, { metadata: { resourceVersion, ...noteIn } }).catch(forgive)
    await scale((noted as WorkloadObject | undefined)?.metadata.resourceVersion ?? resourceVersion)
  }

  return {
    async scalable(selections, signal) {
      const found = await Promise.all(
        selections.flatMap((selection) => kinds.map((kind) => chosenBy(api, selection, kind, signal))),
      )
      // Several selections may choose the same.
      const all = new Map(found.flat().map((one) => [keyOf(one), one]))
      return [...all.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
    },
    async scaledDown(signal) {
      return (await Promise.all(kinds.map((kind) => notedOf(api, kind, signal)))).flat()
    },
    async scale(workload, replicas, signal) {
      try {
        await despiteConflicts(signal, () => scaleOnce(workload, replicas, signal))
      } catch (error) {
        if (!isMissing(error, resources[workload.kind].plural)) throw error
      }
    },
  }
}

const kinds = ['CronJob', 'Deployment', 'StatefulSet'] as const

/** What one selection chooses of a kind and runs now. Whose it is does not matter: the user has chosen it. */
async function chosenBy(
  api: Api,
  { selector, namespace }: WorkloadSelection,
  kind: Kind,
  signal: AbortSignal,
): Promise<readonly ScaledWorkload[]> {
  // To the API an empty selector is one that chooses everything there is.
  if (selector.trim() === '')
    throw new AgentError('misconfigured', 'an empty label selector would select every workload')
  const { root, plural } = resources[kind]
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  try {
    const path = `${root}${inside}/${plural}${queryOf({ labelSelector: selector })}`
    const objects = await listOf<WorkloadObject>(api, path, signal)
    return objects.flatMap(({ metadata, spec }) => {
      const replicas = replicasOf(kind, spec)
      return replicas === 0 ? [] : [{ kind, namespace: metadata.namespace, name: metadata.name, replicas }]
    })
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 400)
      throw new AgentError('misconfigured', `the label selector "${selector}" was refused: ${error.message}`, error)
    throw error
  }
}

/** Workloads of a kind that bear our note, and run nothing. */
async function notedOf(api: Api, kind: Kind, signal: AbortSignal): Promise<readonly ScaledWorkload[]> {
  const { root, plural } = resources[kind]
  const objects = await listOf<WorkloadObject>(
    api,
    `${root}/${plural}${queryOf({ labelSelector: replicasLabel })}`,
    signal,
  )
  return objects.flatMap(({ metadata, spec }) => {
    const note = metadata.labels?.[replicasLabel] ?? ''
    const isOurs = /^[1-9]\d{0,5}$/.test(note) && replicasOf(kind, spec) === 0
    return isOurs ? [{ kind, namespace: metadata.namespace, name: metadata.name, replicas: Number(note) }] : []
  })
}

/** What is not said is one (apps/v1 defaults), and a CronJob has one unless it is suspended. */
function replicasOf(kind: Kind, spec: WorkloadObject['spec']): number {
  if (kind === 'CronJob') return spec?.suspend === true ? 0 : 1
  return spec?.replicas ?? 1
}

/** By namespace and name; no name has a space. */
function keyOf({ kind, namespace, name }: Workload): string {
  return [namespace, name, kind].join(' ')
}

/** The note is for people: where it can't be written, the workload is scaled without it. */
function forgive(error: unknown): undefined {
  if (!(error instanceof ApiRefusal) || error.status === 409) throw error
}
