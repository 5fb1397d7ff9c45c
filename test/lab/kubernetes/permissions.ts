import { qualified, type KubernetesObject } from './objects.ts'
import { isFields } from './patch.ts'
import type { Route, User } from './routes.ts'
import { badRequest, refuse } from './status.ts'

/** What somebody wants to do (k8s.io/api authorization/v1 ResourceAttributes). */
interface Wish {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string | undefined
}

/** Who may do what. All may do everything, but for what they are denied. */
export interface Permissions {
  /** Denied to all from now on, whoever they are: `patch nodes`, `create pods/eviction`, `patch deployments.apps/scale`. */
  deny(...what: readonly string[]): void
  /** Throws the 403. */
  authorize(user: User, route: Route): void
  /** Throws it in any case; of a path that is no resource with its method. */
  forbid(user: User, what: Route | string, method: string): never
  /** Answers a SelfSubjectAccessReview. */
  review(user: User, review: unknown): object
}

/** Members of the groups may only read; system:masters may all, unless it is denied to everybody. */
export function createPermissions(groups: readonly string[]): Permissions {
  const denied = new Set<string>()

  function may(user: User, { verb, group, resource, subresource }: Wish): boolean {
    const what = `${resource}${group && `.${group}`}${subresource ? `/${subresource}` : ''}`
    if (denied.has(`${verb} ${what}`)) return false
    if (['get', 'list', 'watch'].includes(verb) || user.groups.includes('system:masters')) return true
    return resource.startsWith('selfsubject') || !user.groups.some((each) => groups.includes(each))
  }

  function forbid(user: User, about: Route | string, method: string): never {
    if (typeof about === 'string') {
      const message = `forbidden: User "${user.name}" cannot ${method.toLowerCase()} path "${about}"`
      throw refuse(403, message, { reason: 'Forbidden', details: {} })
    }
    const { resource, namespace, name, verb, subresource } = about
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const what = `resource "${resource.plural}${subresource ? `/${subresource}` : ''}" in API group "${resource.group}"`
    const which = `${qualified(resource)}${name === undefined ? '' : ` "${name}"`}`
    const message = `${which} is forbidden: User "${user.name}" cannot ${verb} ${what} ${where}`
    const details = { ...(name !== undefined && { name }), kind: resource.plural }
    throw refuse(403, message, {
      reason: 'Forbidden',
      details: { ...details, ...(resource.group !== '' && { group: resource.group }) },
    })
  }

  return {
    deny: (...what) => what.forEach((each) => denied.add(each)),
    authorize(user, route) {
      const { resource, verb, subresource } = route
      if (!may(user, { verb, group: resource.group, resource: resource.plural, subresource })) forbid(user, route, '')
    },
    forbid,
    review(user, review) {
      const { spec, ...rest } = (isFields(review) ? review : {}) as Partial<KubernetesObject>
      const attributes = isFields(spec) ? spec['resourceAttributes'] : undefined
      if (!isFields(attributes)) throw badRequest('spec.resourceAttributes: Invalid value: must be specified')
      const text = (field: string) => (typeof attributes[field] === 'string' ? attributes[field] : '')
      const wish = { verb: text('verb'), group: text('group'), resource: text('resource') }
      const allowed = may(user, { ...wish, subresource: text('subresource') || undefined })
      return { ...rest, metadata: {}, spec, status: { allowed } }
    },
  }
}
