import type { Credentials } from './talosconfig.ts'

/** What a call is for, to stand before "needs", and the roles that each allow it. */
export interface Need {
  readonly doing: string
  readonly roles: readonly string[]
  /** It changes nothing, so it is safe to repeat. */
  readonly isQuestion?: boolean
}

const operators = ['os:admin', 'os:operator']
const backup = [...operators, 'os:etcd:backup']

/** The roles that each call needs (siderolabs/talos internal/app/machined/pkg/system/services/machined.go). */
export const needs = {
  observe: { doing: 'observing a node', roles: [...operators, 'os:reader'], isQuestion: true },
  /** Endless streams can't be buffered until they are complete. */
  follow: { doing: 'observing a node', roles: [...operators, 'os:reader'] },
  pull: { doing: 'pulling images', roles: operators },
  install: { doing: 'installing', roles: ['os:admin'] },
  upgrade: { doing: 'upgrading', roles: ['os:admin'] },
  rollback: { doing: 'rolling back', roles: ['os:admin'] },
  reboot: { doing: 'rebooting', roles: operators },
  shutDown: { doing: 'shutting down', roles: operators },
  forfeit: { doing: 'forfeiting etcd leadership', roles: ['os:admin'] },
  snapshot: { doing: 'taking etcd snapshots', roles: backup },
  kubeconfig: { doing: 'fetching the kubeconfig', roles: ['os:admin'], isQuestion: true },
  clientConfiguration: { doing: 'issuing a talosconfig', roles: ['os:admin'] },
} satisfies Record<string, Need>

/**
 * Which role is missing, where that explains the refusal; undefined where the talosconfig has the role: then the node's
 * own message is better.
 */
export function lackingRole({ roles }: Pick<Credentials, 'roles'>, need: Need): string | undefined {
  if (need.roles.some((role) => roles.includes(role))) return undefined
  const last = need.roles.at(-1)!
  const wanted = need.roles.length === 1 ? last : `${need.roles.slice(0, -1).join(', ')} or ${last}`
  return `${need.doing} needs ${wanted}; the talosconfig has ${roles.join(', ') || 'no role'}`
}
