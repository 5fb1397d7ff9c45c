import { AgentError } from '../../../core/errors.ts'
import type { MachineDetails } from '../../../core/provision/requests.ts'
import { definePage } from '../../../operations/pages.ts'
import { machineRequests } from './requests.ts'
import { type MachinesData, machinesView } from './view.ts'

export default definePage<MachinesData>({
  read({ operator, query }) {
    const machines = operator.machines.list()
    const wanted = wantedIn(query)
    return wanted === undefined ? { machines } : { machines, chosen: choose(wanted, operator.machines.find) }
  },
  view: machinesView,
  requests: machineRequests,
  // What was typed into the form must not be drawn over.
  isStill: (query) => wantedIn(query) !== undefined,
})

/** The machine that is looked at closely; a console's code leads there. */
function wantedIn(query: URLSearchParams): string | undefined {
  return (query.get('code') ?? query.get('machine') ?? '').trim().slice(0, 253) || undefined
}

function choose(
  machine: string,
  find: (request: { readonly machine: string }) => MachineDetails,
): NonNullable<MachinesData['chosen']> {
  try {
    return { details: find({ machine }) }
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'internal') return { missing: error.message }
    throw error
  }
}
