import { AgentError } from '../../../core/errors.ts'
import type { Operator } from '../../../core/operator.ts'
import { definePage } from '../../../operations/pages.ts'
import { machineRequests } from './requests.ts'
import { type MachinesData, machinesView } from './view.ts'

/** Lines of its console. */
const mostLines = 200

export default definePage<MachinesData>({
  read({ operator, query }) {
    const machines = operator.machines.list()
    const wanted = wantedIn(query)
    return wanted === undefined ? { machines } : { machines, chosen: choose(wanted, operator.machines) }
  },
  view: machinesView,
  requests: machineRequests,
})

/** The machine that is looked at closely; a console's code leads there. */
function wantedIn(query: URLSearchParams): string | undefined {
  return (query.get('code') ?? query.get('machine') ?? '').trim().slice(0, 253) || undefined
}

function choose(machine: string, machines: Operator['machines']): NonNullable<MachinesData['chosen']> {
  try {
    return { details: machines.find({ machine }), console: machines.console({ machine }).lines.slice(-mostLines) }
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'internal') return { missing: error.message }
    throw error
  }
}
