import { type RouteConfig, z } from '@hono/zod-openapi'
import type { Alert, AlertChange } from '../../core/alert.ts'
import type { BootChange } from '../../core/netboot/requests.ts'
import type { StatusAnswer } from '../../core/operator.ts'
import { schemaOf, text } from './answer.ts'
import { alert, entry } from './journal.ts'
import { bootChange } from './netboot.ts'
import { power } from './power.ts'
import { problem } from './problem.ts'
import { status } from './status.ts'

/** What whoever follows is told first, and again after each reconnect. */
export interface LiveState {
  /** Of the server: what is newer than its page is loaded again. */
  readonly version: string
  readonly status: StatusAnswer
  /** Open alerts, the most severe first. */
  readonly alerts: readonly Alert[]
}

/** The data of each event. */
export interface LiveEvents {
  readonly state: LiveState
  readonly alert: { readonly change: AlertChange; readonly alert: Alert }
  readonly power: z.output<typeof power>
  readonly journal: z.output<typeof entry>
  readonly status: StatusAnswer
  readonly boot: BootChange
}

const state = schemaOf<LiveState>()('LiveState', z.object({ version: text, status, alerts: z.array(alert) }))

const alertChange = schemaOf<LiveEvents['alert']>()(
  'AlertChange',
  z.object({ change: z.enum(['opened', 'changed', 'settled']), alert }),
)

/** The data of each event, by its name. */
export const liveEvents = { state, alert: alertChange, power, journal: entry, status, boot: bootChange } as const

/** The stream as the OpenAPI document tells it. */
export const liveSpec: RouteConfig = {
  method: 'get',
  path: '/live',
  summary: 'What changes, as server-sent events',
  description: [
    'First, and after each reconnect, comes `state` with everything; then `alert`, `power`, `journal` and `status`, each',
    'with the whole of what has changed, and `boot`, which says that a machine does something that boots from the network. Every event has an id. A comment comes every 4 s. Nothing that was missed is',
    'sent later: the next `state` tells what it has come to.',
  ].join(' '),
  operationId: 'getLive',
  tags: ['live'],
  security: [{ token: [] }, { session: [] }],
  'x-scope': 'read',
  'x-events': Object.fromEntries(
    Object.entries({
      state: 'LiveState',
      alert: 'AlertChange',
      power: 'Power',
      journal: 'Entry',
      status: 'Status',
      boot: 'BootChange',
    }).map(([event, name]) => [event, { $ref: `#/components/schemas/${name}` }]),
  ),
  responses: {
    200: { description: 'Events, without an end', content: { 'text/event-stream': { schema: z.string() } } },
    default: { description: 'What went wrong', content: { 'application/problem+json': { schema: problem } } },
  },
}
