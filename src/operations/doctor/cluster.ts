import { counted } from '../../core/count.ts'
import { etcdObstacle } from '../../core/cluster/etcd.ts'
import type { Cluster } from '../../core/cluster/cluster.ts'
import { about, failed, type Finding, ok, skipped, warning } from '../../core/doctor/check.ts'
import { messageOf } from '../../core/errors.ts'
import type { Look, Means } from './look.ts'

/** Kubernetes with our rights, and etcd. */
export function clusterLooks({ context, cluster }: Means): readonly Look[] {
  const { config, ports } = context
  if (config.nodes.length === 0) return []
  return [
    {
      id: 'kubernetes.api',
      subject: 'kubernetes',
      within: 20_000,
      look: async () => {
        const { nodes, kubernetes } = await cluster()
        const errors = new Set(nodes.map((node) => (node.kubernetes.ok ? undefined : node.kubernetes.error)))
        const [common] = errors
        const trouble = kubernetes.ok ? (errors.size === 1 && nodes.length > 1 ? common : undefined) : kubernetes.error
        return [
          about(
            'kubernetes.api',
            'kubernetes',
            trouble === undefined
              ? ok(`answers, and runs ${kubernetes.ok ? kubernetes.value : ''}`)
              : failed(trouble, 'Check cluster.kubeconfig: `talosctl kubeconfig` makes a new one'),
          ),
        ]
      },
    },
    {
      id: 'kubernetes.permissions',
      subject: 'kubernetes',
      within: 20_000,
      look: async (signal) => {
        if (!(await cluster()).kubernetes.ok) return []
        const forbidden = await ports.kubernetes.forbidden(signal).catch((error: unknown) => messageOf(error))
        return [about('kubernetes.permissions', 'kubernetes', judgeRights(forbidden))]
      },
    },
    {
      id: 'etcd.health',
      subject: 'etcd',
      within: 20_000,
      look: async () => [
        about('etcd.health', 'etcd', judgeEtcd(await cluster(), config.upgrade.twoMembers === 'allow')),
      ],
    },
  ]
}

function judgeRights(forbidden: readonly string[] | string): Finding {
  if (typeof forbidden === 'string') return failed(`could not be asked for our rights: ${forbidden}`)
  if (forbidden.length === 0) return ok('allows everything that Caretaker needs')
  return failed(
    `does not allow Caretaker to ${forbidden.join(', ')}`,
    'Use a kubeconfig of an admin, or give its user these rights',
  )
}

/** All members healthy and of one mind; fewer than three can't lose one. */
function judgeEtcd({ nodes }: Cluster, mayTwo: boolean): Finding {
  const silent = nodes.filter(({ role, talos }) => role === 'controlplane' && !talos.ok)
  const obstacle = etcdObstacle(nodes)
  if (obstacle !== undefined)
    return silent.length > 0
      ? skipped(`not all control planes answer: ${silent.map(({ name }) => name).join(', ')}`)
      : failed(obstacle, 'Look at `talosctl etcd status` and `talosctl etcd alarm list`')
  const members = nodes.filter(({ role }) => role === 'controlplane').length
  if (members === 2 && !mayTwo)
    return warning(
      'has two members, and loses its quorum with either: control planes are not upgraded',
      'Add a third control plane, or remove one',
    )
  return ok(`${counted(members, 'member')}, all healthy`)
}
