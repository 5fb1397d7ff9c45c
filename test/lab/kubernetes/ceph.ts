import type { DeploymentOptions } from './cluster.ts'
import { cephClusters, type CustomObjects } from './custom.ts'

/** A Ceph cluster that Rook runs. */
export interface LabCeph {
  readonly flags: Set<string>
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

  /** Rook's look at it, which in the lab is never late. */
  function report(namespace: string, external: boolean, flags: ReadonlySet<string>): void {
    const message = `${[...flags].join(',')} flag(s) set`
    const details = flags.size === 0 ? {} : { OSDMAP_FLAGS: { severity: 'HEALTH_WARN', message } }
    custom.put(cephClusters, {
      metadata: { name: namespace, namespace },
      spec: external ? { external: { enable: true } } : {},
      status: { ceph: { health: flags.size === 0 ? 'HEALTH_OK' : 'HEALTH_WARN', details } },
    })
  }

  function obey({ flags }: LabCeph, namespace: string, words: readonly string[]): CommandEnd {
    const [first, verb, flag = ''] = words
    if (first !== 'osd') return { code: 22, stderr: 'no valid command found\nError EINVAL: invalid command\n' }
    if (verb === 'dump') {
      const set = [...flags, ...always]
      return { code: 0, stdout: `\n${JSON.stringify({ epoch: 7, flags: set.join(','), flags_set: set })}\n` }
    }
    if ((verb !== 'set' && verb !== 'unset') || !known.includes(flag))
      return { code: 22, stderr: `Invalid command: ${flag} not in ${known.join('|')}\nError EINVAL: invalid command\n` }
    if (verb === 'set') flags.add(flag)
    else flags.delete(flag)
    report(namespace, false, flags)
    return { code: 0, stderr: `${flag} is ${verb}\n` }
  }

  return {
    add({ namespace = 'rook-ceph', flags = [], toolbox = true, external = false } = {}) {
      const made: LabCeph = { flags: new Set(flags), trouble: undefined }
      cephs.set(namespace, made)
      report(namespace, external, made.flags)
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
