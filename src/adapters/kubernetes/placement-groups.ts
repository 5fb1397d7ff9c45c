import type { StorageWarning } from '../../core/cluster/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import type { Api } from './api.ts'
import { isReady, runInToolbox, toolboxesOf } from './ceph-flags.ts'
import { asRecord } from './kubeconfig.ts'

/**
 * States of a placement group in which data lack copies, are being repaired, or are not known about (ceph
 * doc/rados/operations/pg-states.rst). Right after a start all are `unknown` until their OSDs report, then `peering`, then
 * `degraded` where a write missed a copy, and `recovering`. Groups that are only `remapped` or wait for a backfill have all
 * of their copies, in other places than they are to be: `norebalance` keeps them there, so they are not waited for.
 */
const unwhole = new Set([
  'unknown',
  'creating',
  'peering',
  'activating',
  'peered',
  'stale',
  'down',
  'incomplete',
  'laggy',
  'wait',
  'degraded',
  'undersized',
  'recovering',
  'recovery_wait',
  'recovery_toofull',
  'recovery_unfound',
  'backfill_unfound',
  'forced_recovery',
  'inconsistent',
  'failed_repair',
])

/**
 * What of Ceph's data is not whole, asked of Ceph itself: what Rook writes of it is from before a power cut until its
 * operator runs again and has looked, and Ceph's own health is silent about groups that have been peering for less than a
 * minute (mon_pg_stuck_threshold). Undefined where there is no toolbox to ask it.
 */
export async function observePlacementGroups(
  api: Api,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly StorageWarning[] | undefined> {
  const toolboxes = await toolboxesOf(api, namespace, signal)
  if (toolboxes.length === 0) return undefined
  const toolbox = toolboxes.find(isReady)
  const is = (text: string, endangers: StorageWarning['endangers']): StorageWarning[] => [
    { name: 'PG_DEGRADED', text: `ceph in ${namespace}: ${text}`, endangers },
  ]
  if (!toolbox) return is('no rook-ceph-tools pod is ready to ask it', 'unknown')
  const states = readStates(await runInToolbox(api, toolbox, ['status', '--format=json'], signal), namespace)
  const broken = states.filter(({ name }) => !isWhole(name))
  if (broken.length === 0) return []
  return is(
    `placement groups are not whole yet: ${broken.map(({ name, count }) => `${count} ${name}`).join(', ')}`,
    'unknown',
  )
}

function isWhole(state: string): boolean {
  const words = state.split('+')
  return words.includes('active') && !words.some((word) => unwhole.has(word))
}

/** `"pgmap": { "pgs_by_state": [{ "state_name": "active+clean", "count": 33 }], "num_pgs": 33 }` (ceph src/mon/PGMap.cc). */
function readStates(text: string, namespace: string): readonly { readonly name: string; readonly count: number }[] {
  try {
    const { pgs_by_state: states } = asRecord(asRecord(JSON.parse(text))['pgmap'])
    if (Array.isArray(states))
      return states.map((one) => {
        const { state_name: name, count } = asRecord(one)
        return { name: typeof name === 'string' ? name : 'unknown', count: typeof count === 'number' ? count : 1 }
      })
  } catch {
    // Reported below.
  }
  throw new AgentError('malformed', `Ceph in ${namespace} does not report its placement groups: ${text.slice(0, 80)}`)
}
