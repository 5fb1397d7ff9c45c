import { parseLabelSelector, type Requirement } from '../../../src/core/cluster/label-selector.ts'
import { isNode, isPod, nodes, pods, type KubernetesObject, type Resource } from './objects.ts'
import { badRequest } from './status.ts'

export type Selects = (object: KubernetesObject) => boolean

/** What `labelSelector` and `fieldSelector` of a list or a watch ask for. */
export function parseSelectors(resource: Resource, query: URLSearchParams): Selects {
  const wanted = [
    ...parseLabels(query.get('labelSelector') ?? ''),
    ...split(query.get('fieldSelector') ?? '').map((term) => parseField(resource, term)),
  ]
  return (object) => wanted.every((selects) => selects(object))
}

function parseLabels(selector: string): readonly Selects[] {
  const parsed = parseLabelSelector(selector)
  if ('fault' in parsed) throw badRequest(parsed.fault)
  return parsed.requirements.map(
    (requirement) =>
      ({ metadata }) =>
        matches(requirement, metadata.labels ?? {}),
  )
}

/** Whether labels are as one requirement asks (k8s.io/apimachinery pkg/labels/selector.go Matches). */
export function matches({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value)
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false
      const [label, limit] = [value, values[0] ?? ''].map((text) => BigInt(text.replace(/^\+/, '')))
      return operator === 'gt' ? label! > limit! : label! < limit!
    }
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value)
    default:
      return operator satisfies never
  }
}

function parseField(resource: Resource, term: string): Selects {
  const match = /^([^=!]+)(==?|!=)(.*)$/.exec(term)
  if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
  const [, field = '', operator, value] = match
  const read = fieldsOf(resource)[field]
  if (read === undefined) throw badRequest(`field label not supported: ${field}`)
  return (object) => (read(object) === value) === (operator !== '!=')
}

/** The few fields that can be selected by (kubernetes pkg/apis/core/v1/conversion.go). */
function fieldsOf(resource: Resource): Readonly<Record<string, (object: KubernetesObject) => string>> {
  const both = {
    'metadata.name': ({ metadata }: KubernetesObject) => metadata.name,
    ...(resource.namespaced && {
      'metadata.namespace': ({ metadata }: KubernetesObject) => metadata.namespace ?? '',
    }),
  }
  // The resource says which kind the object is.
  if (resource === pods)
    return {
      ...both,
      'spec.nodeName': (object) => (isPod(object) ? (object.spec.nodeName ?? '') : ''),
      'status.phase': (object) => (isPod(object) ? object.status.phase : ''),
    }
  if (resource === nodes)
    return { ...both, 'spec.unschedulable': (object) => String(isNode(object) && object.spec.unschedulable === true) }
  return both
}

function split(list: string): readonly string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
