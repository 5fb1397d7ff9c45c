import { entryKinds } from '../../core/entry-kind.ts'
import type { Operator } from '../../core/operator.ts'
import { choice, nameIfAny, page, timeIfAny } from '../fields.ts'
import { route } from '../route.ts'
import { alerts, entries, settledAlerts } from '../schemas/journal.ts'
import { activities, names, status } from '../schemas/status.ts'

/** How the homelab and the agent are, and what happened. */
export function statusRoutes(operator: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/status',
        summary: 'The state of the homelab and of Caretaker',
        scope: 'read',
        answer: status,
      },
      (_, { signal }) => operator.status(signal),
    ),
    route(
      {
        method: 'get',
        path: '/alerts',
        summary: 'Open alerts, the most severe first',
        scope: 'read',
        answer: alerts,
      },
      () => operator.alerts(),
    ),
    route(
      {
        method: 'get',
        path: '/alerts/settled',
        summary: 'Settled alerts, those that were opened last first',
        scope: 'read',
        query: page,
        answer: settledAlerts,
      },
      ({ query }) => operator.settledAlerts(query),
    ),
    route(
      {
        method: 'get',
        path: '/names',
        summary: 'What can be named in requests, as it is known without looking',
        scope: 'read',
        answer: names,
      },
      () => operator.names(),
    ),
    route(
      {
        method: 'get',
        path: '/activities',
        summary: 'The steps that are being carried out now, and how far they are',
        scope: 'read',
        answer: activities,
      },
      () => operator.activities(),
    ),
    route(
      {
        method: 'get',
        path: '/journal',
        summary: 'The journal, newest first',
        scope: 'read',
        query: page.extend({
          kind: choice(entryKinds, 'Only entries of this kind'),
          job: nameIfAny('Only what this job has written, or what is about it'),
          node: nameIfAny('Only what is about this node, or mentions it'),
          since: timeIfAny('Only what was written from then on'),
        }),
        answer: entries,
      },
      ({ query }) => operator.journal(query),
    ),
  ]
}
