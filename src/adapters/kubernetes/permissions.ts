import { type Api, ApiRefusal, listOf } from './api.ts'
import { cephNamespaces, toolboxOf } from './ceph-flags.ts'
import { groupsOf } from './groups.ts'
import { settingsPath } from './longhorn-settings.ts'

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

/** What a power cut needs, in words, and what it takes. */
const needs: readonly (readonly [string, readonly Access[]])[] = [
  ['see nodes', all(['get', 'list'], { resource: 'nodes' })],
  ['cordon nodes', all(['patch'], { resource: 'nodes' })],
  ['see pods', all(['list'], { resource: 'pods' })],
  ['evict pods', all(['create'], { resource: 'pods', subresource: 'eviction' })],
  ['delete pods', all(['delete'], { resource: 'pods' })],
  ['scale Deployments', apps('deployments')],
  ['scale StatefulSets', apps('statefulsets')],
  ['suspend CronJobs', all(['list', 'get', 'patch'], { group: 'batch', resource: 'cronjobs' })],
]

const changeLonghorn = "change Longhorn's settings"
const setFlags = "set Ceph's flags"

/** What of a power cut's needs the API server would refuse us, in words. */
export async function lookAtPermissions(api: Api, signal: AbortSignal): Promise<readonly string[]> {
  const groups = await groupsOf(api, signal)
  // The pool of connections bounds how many questions are out at a time.
  const answers = await Promise.all([
    ...needs.map(async ([what, accesses]) => ((await mayAll(api, accesses, signal)) ? undefined : what)),
    groups.has('longhorn.io') ? unlessForbidden(changeLonghorn, longhorn(api, signal)) : undefined,
    groups.has('ceph.rook.io') ? unlessForbidden(setFlags, ceph(api, signal)) : undefined,
  ])
  return answers.filter((answer) => answer !== undefined)
}

async function longhorn(api: Api, signal: AbortSignal): Promise<string | undefined> {
  // A role may be for one namespace alone, so each that has settings is asked for.
  const settings = await listOf<{ metadata: { namespace: string } }>(api, settingsPath, signal)
  const namespaces = [...new Set(settings.map(({ metadata }) => metadata.namespace))]
  const what = { group: 'longhorn.io', resource: 'settings' }
  const may = await mayAll(
    api,
    namespaces.map((namespace) => ({ verb: 'patch', ...what, namespace })),
    signal,
  )
  return may ? undefined : changeLonghorn
}

async function ceph(api: Api, signal: AbortSignal): Promise<string | undefined> {
  for (const namespace of await cephNamespaces(api, signal)) {
    // A WebSocket begins as a GET: that needs `get`, and from Kubernetes 1.35 on `create` too (kubernetes/kubernetes#134577).
    const exec = all(['get', 'create'], { resource: 'pods', subresource: 'exec', namespace })
    if (!(await mayAll(api, exec, signal))) return setFlags
    if (!(await toolboxOf(api, namespace, signal))) return `${setFlags} (no rook-ceph-tools pod runs)`
  }
  return undefined
}

async function mayAll(api: Api, accesses: readonly Access[], signal: AbortSignal): Promise<boolean> {
  return (await Promise.all(accesses.map((access) => may(api, access, signal)))).every(Boolean)
}

/** Asks the API server, which asks whoever decides there. Everybody may ask it of themselves. */
async function may(api: Api, resourceAttributes: Access, signal: AbortSignal): Promise<boolean> {
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
  return status?.allowed === true
}

/** Who may not even look can do nothing either. */
async function unlessForbidden(what: string, look: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await look
  } catch (error) {
    if (error instanceof ApiRefusal && error.status === 403) return what
    throw error
  }
}
