import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, ApiRefusal, listOf } from './api.ts'
import { cephNamespaces, toolboxOf } from './ceph-flags.ts'
import { settingsPath } from './longhorn-settings.ts'
import { cephClusters, longhornSettings, type Systems } from './systems.ts'

/** k8s.io/api authorization/v1 ResourceAttributes */
interface Access {
  readonly verb: string
  readonly group?: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
}

const apps = (resource: string): readonly Access[] => [
  ...['list', 'get'].map((verb) => ({ verb, group: 'apps', resource })),
  { verb: 'patch', group: 'apps', resource, subresource: 'scale' },
]
const all = (verbs: readonly string[], rest: Omit<Access, 'verb'>): readonly Access[] =>
  verbs.map((verb) => ({ verb, ...rest }))

const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-system' }
const definitions = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' }

/** What a power cut and an upgrade need, in words, and what it takes: every call that the adapter makes. */
const needs: readonly (readonly [string, readonly Access[]])[] = [
  ['see nodes', all(['get', 'list'], { resource: 'nodes' })],
  ['cordon nodes', all(['patch'], { resource: 'nodes' })],
  ['see pods', all(['list'], { resource: 'pods' })],
  ['evict pods', all(['create'], { resource: 'pods', subresource: 'eviction' })],
  ['delete pods', all(['delete'], { resource: 'pods' })],
  ['scale Deployments', apps('deployments')],
  ['scale StatefulSets', apps('statefulsets')],
  ['suspend CronJobs', all(['list', 'get', 'patch'], { group: 'batch', resource: 'cronjobs' })],
  ['hold the lease', all(['get', 'create', 'patch'], lease)],
  ['see disruption budgets', all(['list'], { group: 'policy', resource: 'poddisruptionbudgets' })],
  ['see volume attachments', all(['list'], { group: 'storage.k8s.io', resource: 'volumeattachments' })],
  ['see which storage systems are installed', all(['get'], definitions)],
]

const changeLonghorn = "change Longhorn's settings"
const setFlags = "set Ceph's flags"

const seeLonghorn = "see Longhorn's volumes"
const longhornData = ['volumes', 'replicas'].map((resource) => ({ verb: 'list', group: 'longhorn.io', resource }))

/**
 * The needs that the API server would refuse, in words.
 *
 * @throws AgentError where it is not known which storage systems there are
 */
export async function observePermissions(api: Api, systems: Systems, signal: AbortSignal): Promise<readonly string[]> {
  const { present, unknown } = await systems.find(signal)
  for (const error of unknown.values()) throw error
  const need = async ([what, accesses]: readonly [string, readonly Access[]]) =>
    (await mayAll(api, accesses, signal)) ? undefined : what
  // The pool of connections bounds how many questions are out at a time.
  const answers = await Promise.all([
    ...needs.map(need),
    present.has('longhorn') ? need([seeLonghorn, longhornData]) : undefined,
    present.has('longhorn') ? unlessForbidden(changeLonghorn, longhorn(api, systems, signal)) : undefined,
    present.has('ceph') ? unlessForbidden(setFlags, ceph(api, systems, signal)) : undefined,
  ])
  return answers.filter((answer) => answer !== undefined)
}

async function longhorn(api: Api, { whereServed }: Systems, signal: AbortSignal): Promise<string | undefined> {
  const list = () => listOf<{ metadata: { namespace: string } }>(api, settingsPath, signal)
  // A role may be for one namespace alone, so each that has settings is asked for.
  const settings = (await whereServed(longhornSettings, list, signal)) ?? []
  const namespaces = [...new Set(settings.map(({ metadata }) => metadata.namespace))]
  const what = { group: 'longhorn.io', resource: 'settings' }
  const may = await mayAll(
    api,
    namespaces.map((namespace) => ({ verb: 'patch', ...what, namespace })),
    signal,
  )
  return may ? undefined : changeLonghorn
}

async function ceph(api: Api, { whereServed }: Systems, signal: AbortSignal): Promise<string | undefined> {
  for (const namespace of (await whereServed(cephClusters, () => cephNamespaces(api, signal), signal)) ?? []) {
    // A WebSocket begins as a GET: that needs `get`, and from Kubernetes 1.35 on `create` too (kubernetes/kubernetes#134577).
    const exec = all(['get', 'create'], { resource: 'pods', subresource: 'exec', namespace })
    if (!(await mayAll(api, exec, signal))) return setFlags
    if (!(await toolboxOf(api, namespace, signal))) return `${setFlags} (no rook-ceph-tools pod is running)`
  }
  return undefined
}

async function mayAll(api: Api, accesses: readonly Access[], signal: AbortSignal): Promise<boolean> {
  return (await Promise.all(accesses.map((access) => may(api, access, signal)))).every(Boolean)
}

/** Pauses before a denial is checked again, in ms: an API server that has just started knows no roles and denies all. */
const pauses = [100, 400]

/** A SelfSubjectAccessReview, which every identity may create. A denial counts only if it persists. */
async function may(api: Api, resourceAttributes: Access, signal: AbortSignal): Promise<boolean> {
  for (let asked = 0; ; asked++) {
    const { status } = await api.send<{ status?: { allowed?: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      },
      signal,
    })
    if (status?.allowed === true) return true
    const pause = pauses[asked]
    if (pause === undefined) return false
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

/** Without the right to read, the change is forbidden as well. */
async function unlessForbidden(what: string, look: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await look
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 403) return what
    throw error
  }
}
