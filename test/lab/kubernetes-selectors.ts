import { isNode, isPod, nodes, pods, type KubernetesObject, type Resource } from './kubernetes-objects.ts'
import { badRequest } from './kubernetes-status.ts'

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
  // Commas inside 'in (a, b)' do not separate requirements.
  const terms = selector.match(/[^,(]+(\([^)]*\))?/g) ?? []
  return terms.map((raw) => {
    const term = raw.trim()
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term)
    if (set !== null) {
      const values = split(set[3] ?? '')
      return (object) => values.includes(labelOf(object, set[1] ?? '') ?? '') === (set[2] === 'in')
    }
    const equal = /^([^\s=!]+)\s*(==?|!=)\s*([^\s=!]*)$/.exec(term)
    if (equal !== null) return (object) => (labelOf(object, equal[1] ?? '') === equal[3]) === (equal[2] !== '!=')
    const present = /^(!?)([^\s=!]+)$/.exec(term)
    if (present !== null) return (object) => (labelOf(object, present[2] ?? '') !== undefined) === (present[1] === '')
    throw badRequest(`unable to parse requirement: found '${term}'`)
  })
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

function labelOf({ metadata }: KubernetesObject, label: string): string | undefined {
  return metadata.labels?.[label]
}

function split(list: string): readonly string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
