import { definePage } from '../../../operations/pages.ts'
import { rolloutRequests } from './requests.ts'
import { type RolloutData, rolloutView } from './view.ts'

/** How many past rollouts are shown. */
const shown = 8

export default definePage<RolloutData>({
  async read({ operator, signal }) {
    const answer = await operator.rollouts.status(signal)
    const { items } = operator.rollouts.history({ limit: shown })
    return {
      answer,
      activities: operator.activities().filter(({ job }) => job === 'upgrade-node'),
      past: items.filter(({ endedAt }) => endedAt !== undefined),
    }
  },
  view: rolloutView,
  requests: rolloutRequests,
})
