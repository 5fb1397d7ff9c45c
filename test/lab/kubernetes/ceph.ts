import type { DeploymentOptions } from './setup.ts'
import { cephClusters, type CustomObjects } from './custom.ts'

/** A Ceph cluster that Rook runs. */
export interface LabCeph {
  readonly flags: Set<string>
  /**
   * Its placement groups by state, `active+clean`. While they are not all whole each look at them is a step of their
   * repair, unless a flag suspends it.
   */
  groups: Record<string, number>
  /** Rook's operator does not run: what it wrote of Ceph last stays there. */
  isUnwatched: boolean
  /** What becomes of commands in its toolbox; undefined: they do what they should. */
  trouble: CommandEnd | 'hangs' | undefined
}

export interface CephOptions {
  /** `rook-ceph` unless said. */
  readonly namespace?: string
  /** Flags that are set from the beginning. */
  readonly flags?: readonly string[]
  /** Whether the toolbox runs; it does unless said. */
  readonly toolbox?: boolean
  /** It runs elsewhere, and Rook only uses it. */
  readonly external?: boolean
}

/** How a command ended. */
export interface CommandEnd {
  readonly code: number
  readonly stdout?: string
  readonly stderr?: string
}

export interface Cephs {
  add(options?: CephOptions): LabCeph
  /** Runs a command as the toolbox of this namespace does; never ends where it hangs. */
  run(namespace: string, command: readonly string[]): Promise<CommandEnd>
}

/** Those of ceph src/mon/MonCommands.h `osd set`. */
const known = ['pause', 'noup', 'nodown', 'noout', 'noin', 'nobackfill', 'norebalance', 'norecover', 'noscrub']
/** Set in every cluster, and nobody's business. */
const always = ['sortbitwise', 'recovery_deletes', 'purged_snapdirs']

export function createCephs(custom: CustomObjects, addDeployment: (options: DeploymentOptions) => void): Cephs {
  const cephs = new Map<string, LabCeph>()

  /** Rook's look at it, which in the lab is never late unless its operator is away. */
  function report(namespace: string, external: boolean, { flags, groups, isUnwatched }: LabCeph): void {
    if (isUnwatched) return
    const message = `${[...flags].join(',')} flag(s) set`
    const degraded = Object.keys(groups).filter((state) => state.includes('degraded'))
    const details = {
      ...(flags.size === 0 ? {} : { OSDMAP_FLAGS: { severity: 'HEALTH_WARN', message } }),
      ...(degraded.length === 0
        ? {}
        : { PG_DEGRADED: { severity: 'HEALTH_WARN', message: 'Degraded data redundancy: pgs degraded' } }),
    }
    custom.put(cephClusters, {
      metadata: { name: namespace, namespace },
      spec: external ? { external: { enable: true } } : {},
      status: { ceph: { health: Object.keys(details).length === 0 ? 'HEALTH_OK' : 'HEALTH_WARN', details } },
    })
  }

  /**
   * After a start: `unknown` until the OSDs report, then `peering`, then degraded where writes were missed, which is
   * repaired. Peering needs no repair, so no flag keeps it from ending.
   */
  function heal(one: LabCeph): void {
    const next = Object.entries(one.groups).map(([state, count]): [string, number] => {
      if (state === 'unknown') return ['peering', count]
      if (state === 'peering') return ['active+undersized+degraded', count]
      const isHeld = one.flags.has('norecover') || one.flags.has('nobackfill')
      if (isHeld) return [state, count]
      if (state === 'active+undersized+degraded') return ['active+recovering+degraded', count]
      return state === 'active+recovering+degraded' ? ['active+clean', count] : [state, count]
    })
    const sums: Record<string, number> = {}
    for (const [state, count] of next) sums[state] = (sums[state] ?? 0) + count
    one.groups = sums
  }

  function obey(one: LabCeph, namespace: string, words: readonly string[]): CommandEnd {
    const { flags } = one
    const [first, verb, flag = ''] = words
    if (first === 'status') {
      const states = Object.entries(one.groups).map(([state, count]) => ({ state_name: state, count }))
      const total = states.reduce((sum, { count }) => sum + count, 0)
      heal(one)
      report(namespace, false, one)
      return { code: 0, stdout: `\n${JSON.stringify({ pgmap: { pgs_by_state: states, num_pgs: total } })}\n` }
    }
    if (first !== 'osd') return { code: 22, stderr: 'no valid command found\nError EINVAL: invalid command\n' }
    if (verb === 'dump') {
      const set = [...flags, ...always]
      return { code: 0, stdout: `\n${JSON.stringify({ epoch: 7, flags: set.join(','), flags_set: set })}\n` }
    }
    if ((verb !== 'set' && verb !== 'unset') || !known.includes(flag))
      return { code: 22, stderr: `Invalid command: ${flag} not in ${known.join('|')}\nError EINVAL: invalid command\n` }
    if (verb === 'set') flags.add(flag)
    else flags.delete(flag)
    report(namespace, false, one)
    return { code: 0, stderr: `${flag} is ${verb}\n` }
  }

  return {
    add({ namespace = 'rook-ceph', flags = [], toolbox = true, external = false } = {}) {
      const groups = { 'active+clean': 33 }
      const made: LabCeph = { flags: new Set(flags), groups, isUnwatched: false, trouble: undefined }
      cephs.set(namespace, made)
      report(namespace, external, made)
      const labels = { app: 'rook-ceph-tools' }
      const container = 'rook-ceph-tools'
      if (toolbox) addDeployment({ name: 'rook-ceph-tools', namespace, replicas: 1, labels, container })
      return made
    },
    async run(namespace, [program, ...words]) {
      const ceph = cephs.get(namespace)
      if (ceph === undefined || program !== 'ceph') return { code: 127, stderr: `${program}: command not found\n` }
      if (ceph.trouble === 'hangs') return await new Promise<never>(() => {})
      return (
        ceph.trouble ??
        obey(
          ceph,
          namespace,
          words.filter((word) => !word.startsWith('--')),
        )
      )
    },
  }
}
