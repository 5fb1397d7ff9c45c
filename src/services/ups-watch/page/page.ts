import { AgentError } from '../../../core/errors.ts'
import { countdownTo } from '../../../core/power/countdown.ts'
import { policyFor } from '../../../core/power/triggers.ts'
import { definePage } from '../../../operations/pages.ts'
import { readingsCsv } from './csv.ts'
import { identitiesOf } from './identities.ts'
import { powerRequests } from './requests.ts'
import { type PowerData, powerView } from './view.ts'

/** How many past outages are shown. */
const shown = 20

export default definePage<PowerData>({
  hasCharts: true,
  async read({ operator: { power }, config }) {
    const state = power.state()
    return {
      power: state,
      plan: power.plan(),
      outages: power.outages({ limit: shown }).items,
      countdown: countdownTo(state.upses, (label) => policyFor(config(), label)),
      readings: power.readings(),
      identities: await identitiesOf(power, state.upses),
    }
  },
  view: powerView,
  requests: powerRequests,
  files: {
    'readings.csv': {
      type: 'text/csv; charset=utf-8',
      read: ({ operator, query }) => {
        const ups = query.get('ups')
        const found = operator.power.readings().find(({ label }) => label === ups)
        if (!found) throw new AgentError('not-found', `there is no UPS ${ups ?? 'without a name'}`)
        return readingsCsv(found.samples)
      },
    },
  },
})
