import { isNode, isPod, isPodReady, resources, type KubernetesObject, type Resource } from './objects.ts'

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer'
  /** 1: only in wide output. */
  readonly priority: 0 | 1
  readonly cell: (object: KubernetesObject) => string | number
}

const column = (name: string, cell: Column['cell'], priority: Column['priority'] = 0): Column => ({
  name,
  type: name === 'Allowed Disruptions' ? 'integer' : 'string',
  priority,
  cell,
})

const nameColumn = column('Name', ({ metadata }) => metadata.name)
const ageColumn = column('Age', ({ metadata }) => ageOf(metadata.creationTimestamp))

/** What kubectl shows of each kind (kubernetes pkg/printers/internalversion/printers.go), by the resource's plural. */
const columns: Readonly<Record<string, readonly Column[]>> = {
  nodes: [
    nameColumn,
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    ageColumn,
    column('Version', (node) => (isNode(node) ? (node.status.nodeInfo['kubeletVersion'] ?? '') : '')),
    column('Internal-IP', (node) => addressOf(node, 'InternalIP'), 1),
    column('External-IP', (node) => addressOf(node, 'ExternalIP'), 1),
    column('OS-Image', (node) => nodeInfo(node, 'osImage'), 1),
    column('Kernel-Version', (node) => nodeInfo(node, 'kernelVersion'), 1),
    column('Container-Runtime', (node) => nodeInfo(node, 'containerRuntimeVersion'), 1),
  ],
  pods: [
    nameColumn,
    column('Ready', (pod) => (isPod(pod) && isPodReady(pod) ? '1/1' : '0/1')),
    column('Status', podStatus),
    column('Restarts', () => '0'),
    ageColumn,
    column('IP', () => '<none>', 1),
    column('Node', (pod) => (isPod(pod) ? (pod.spec.nodeName ?? '<none>') : ''), 1),
    column('Nominated Node', () => '<none>', 1),
    column('Readiness Gates', () => '<none>', 1),
  ],
  deployments: [
    nameColumn,
    column('Ready', readyOf),
    column('Up-to-date', ({ status }) => fieldOf(status, 'updatedReplicas', '0')),
    column('Available', ({ status }) => fieldOf(status, 'availableReplicas', '0')),
    ageColumn,
  ],
  statefulsets: [nameColumn, column('Ready', readyOf), ageColumn],
  cronjobs: [
    nameColumn,
    column('Schedule', ({ spec }) => fieldOf(spec, 'schedule', '')),
    column('Timezone', () => '<none>'),
    column('Suspend', ({ spec }) => (fieldOf(spec, 'suspend', 'false') === 'true' ? 'True' : 'False')),
    column('Active', () => '0'),
    column('Last Schedule', () => '<none>'),
    ageColumn,
  ],
  leases: [nameColumn, column('Holder', ({ spec }) => fieldOf(spec, 'holderIdentity', '')), ageColumn],
  poddisruptionbudgets: [
    nameColumn,
    column('Min Available', ({ spec }) => fieldOf(spec, 'minAvailable', 'N/A')),
    column('Max Unavailable', ({ spec }) => fieldOf(spec, 'maxUnavailable', 'N/A')),
    column('Allowed Disruptions', ({ status }) => Number(fieldOf(status, 'disruptionsAllowed', '0'))),
    ageColumn,
  ],
}

/**
 * The objects as a table, which kubectl asks for: the server says what is in a column, and each row brings its object's
 * metadata along (k8s.io/apimachinery meta/v1 Table, includeObject=Metadata).
 */
export function tableOf(resource: Resource, objects: readonly KubernetesObject[], resourceVersion: string): object {
  const known = resources.includes(resource) ? columns[resource.plural] : undefined
  const shown = known ?? [nameColumn, ageColumn]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: shown.map(({ name, type, priority }) => {
      return { name, type, format: name === 'Name' ? 'name' : '', description: '', priority }
    }),
    rows: objects.map((object) => ({
      cells: shown.map(({ cell }) => cell(object)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  }
}

function nodeStatus(node: KubernetesObject): string {
  if (!isNode(node)) return ''
  const ready = node.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  return `${ready ? 'Ready' : 'NotReady'}${node.spec.unschedulable ? ',SchedulingDisabled' : ''}`
}

function nodeRoles({ metadata }: KubernetesObject): string {
  const prefix = 'node-role.kubernetes.io/'
  const labels = Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith(prefix))
  return labels.map((label) => label.slice(prefix.length)).join(',') || '<none>'
}

function readyOf({ spec, status }: KubernetesObject): string {
  return `${fieldOf(status, 'readyReplicas', '0')}/${fieldOf(spec, 'replicas', '1')}`
}

function podStatus(pod: KubernetesObject): string {
  if (!isPod(pod)) return ''
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return pod.status.phase === 'Succeeded' ? 'Completed' : pod.status.phase
}

function addressOf(node: KubernetesObject, type: string): string {
  return (isNode(node) && node.status.addresses.find((each) => each.type === type)?.address) || '<none>'
}

function nodeInfo(node: KubernetesObject, field: string): string {
  return (isNode(node) && node.status.nodeInfo[field]) || '<unknown>'
}

function fieldOf(object: object | undefined, field: string, otherwise: string): string {
  const value = object === undefined ? undefined : Object.entries(object).find(([key]) => key === field)?.[1]
  return value === undefined ? otherwise : String(value)
}

/** `42s`, `7m`, `3h` (k8s.io/apimachinery pkg/util/duration HumanDuration, roughly). */
function ageOf(since: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1_000))
  if (seconds < 120) return `${seconds}s`
  return seconds < 7_200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3_600)}h`
}
