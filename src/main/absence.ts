import type { TalosAdapter } from '../adapters/talos/talos.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { whyAbsent } from '../core/provision/absence.ts'
import { machineKind } from '../core/provision/machine.ts'
import type { RecordStore } from '../core/records.ts'

/** Why a node does not answer that is on its way into the cluster, as a clause. */
export function absenceIn(journal: Pick<RecordStore, 'records'>): (node: string) => string | undefined {
  const machines = journal.records(machineKind)
  return (node) => whyAbsent(machines.newest(Number.MAX_SAFE_INTEGER), node, Date.now())
}

/** Says of a node that does not answer what is known of it. */
export function withAbsence(talos: TalosAdapter, explain: (node: string) => string | undefined): TalosAdapter {
  const tell = (node: string) => (error: unknown) => {
    const why = error instanceof AgentError && error.code === 'unreachable' ? explain(node) : undefined
    throw why === undefined ? error : new AgentError('unreachable', `${messageOf(error)}; ${why}`, error)
  }
  return { ...talos, observe: (node, signal) => talos.observe(node, signal).catch(tell(node)) }
}
