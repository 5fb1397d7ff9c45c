import { AgentError } from '../../core/errors.ts'
import type { StorageSetting } from '../../core/cluster/workload.ts'
import { type Api, listOf, queryOf } from './api.ts'
import { asRecord } from './kubeconfig.ts'
import type { PodObject } from './pods.ts'

/** Without these flags Ceph re-replicates a node's data some minutes after it shuts down (Ceph's `osd set`). */
const flags: readonly string[] = ['noout', 'nobackfill', 'norecover', 'norebalance']

/** As Rook asks itself, so that a Ceph without its monitors says so and does not hang (rook/rook pkg/daemon/ceph/client/command.go). */
const ceph = ['ceph', '--connect-timeout=15']

interface CephClusterObject {
  readonly metadata: { readonly name: string; readonly namespace: string }
  /** Of a Ceph that runs elsewhere, on machines that are not our nodes (rook/rook pkg/apis/ceph.rook.io/v1/types.go). */
  readonly spec?: { readonly external?: { readonly enable?: boolean } }
}

interface ToolboxObject extends PodObject {
  readonly spec?: PodObject['spec'] & { readonly containers?: readonly { readonly name: string }[] }
}

/** The namespaces in which Rook runs a Ceph on the cluster's own nodes; there is one in each at most. */
export async function cephNamespaces(api: Api, signal: AbortSignal): Promise<readonly string[]> {
  const clusters = await listOf<CephClusterObject>(api, '/apis/ceph.rook.io/v1/cephclusters', signal)
  return clusters.filter(({ spec }) => spec?.external?.enable !== true).map(({ metadata }) => metadata.namespace)
}

/**
 * A ready pod of Rook's toolbox (rook/rook deploy/examples/toolbox.yaml): Rook itself has no field for Ceph's flags, and
 * its own keys are for nobody else.
 */
export async function toolboxOf(api: Api, namespace: string, signal: AbortSignal): Promise<ToolboxObject | undefined> {
  return (await toolboxesOf(api, namespace, signal)).find(isReady)
}

/** All of them, ready or not. */
export function toolboxesOf(api: Api, namespace: string, signal: AbortSignal): Promise<readonly ToolboxObject[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods${queryOf({ labelSelector: 'app=rook-ceph-tools' })}`
  return listOf<ToolboxObject>(api, path, signal)
}

/** Whether a pod is ready, and stays. */
export function isReady({ metadata, status }: PodObject): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return metadata.deletionTimestamp === undefined && ready?.status === 'True'
}

/**
 * The flags that are not set yet. Ceph is asked itself: what Rook writes of it can be a minute old, and then somebody's
 * own `noout` of just now would be taken away afterwards. Without a toolbox nothing can be set, and nothing is told.
 */
export async function observeFlags(
  api: Api,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly StorageSetting[]> {
  const toolbox = await toolboxOf(api, namespace, signal)
  if (!toolbox) return []
  const set = readFlags(await runInToolbox(api, toolbox, ['osd', 'dump', '--format=json'], signal), namespace)
  return flags
    .filter((flag) => !set.has(flag))
    .map((name) => ({ system: 'ceph', namespace, name, before: 'unset', during: 'set' }))
}

/** Idempotent; a Ceph that no longer exists is fine. */
export async function setFlag(
  api: Api,
  { namespace, name }: Pick<StorageSetting, 'namespace' | 'name'>,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  // The values come from the journal and go into a command.
  if (!flags.includes(name) || (value !== 'set' && value !== 'unset'))
    throw new AgentError('rejected', `unexpected change of a Ceph flag: ${value} ${name}`)
  const toolbox = await toolboxOf(api, namespace, signal)
  if (toolbox) {
    await runInToolbox(api, toolbox, ['osd', value, name], signal)
    return
  }
  if (!(await cephNamespaces(api, signal)).includes(namespace)) return
  throw new AgentError(
    'unreachable',
    `can't ${value} Ceph's flag ${name}: no rook-ceph-tools pod is ready in ${namespace}`,
  )
}

/** What a command of Ceph's prints, in its toolbox. @throws AgentError `unreachable` where Ceph does not answer yet */
export async function runInToolbox(
  api: Api,
  { metadata: { namespace, name: pod }, spec }: ToolboxObject,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const container = spec?.containers?.find(({ name }) => name === 'rook-ceph-tools')?.name
  const command = [...ceph, ...words]
  const { code, stdout, stderr } = await api.exec({ namespace, pod, container, command, signal })
  if (code === 0) return stdout
  const why = stderr.trim().replaceAll(/\s+/g, ' ').slice(-200)
  // Its monitors may come back: `[errno 110] RADOS timed out (error connecting to the cluster)`.
  const passes = /errno 110|timed out/i.test(why)
  throw new AgentError(
    passes ? 'unreachable' : 'rejected',
    `"ceph ${words.join(' ')}" in ${namespace}/${pod} exited with code ${code}${why ? `: ${why}` : ''}`,
  )
}

/** `"flags": "noout,sortbitwise,recovery_deletes"` (ceph src/osd/OSDMap.cc OSDMap::dump). */
function readFlags(text: string, namespace: string): ReadonlySet<string> {
  try {
    const { flags: set } = asRecord(JSON.parse(text))
    if (typeof set === 'string') return new Set(set.split(','))
  } catch {
    // Reported below.
  }
  throw new AgentError('malformed', `Ceph in ${namespace} does not report its flags: ${text.slice(0, 80)}`)
}
