import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { reversiblePhases } from '../../core/power/reversible.ts'
import { choice, flag, label, nameIfAny, page } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { drill, outages, power as powerState, powerPlan, readings, upsDetails, upses } from '../schemas/power.ts'

/** The power: how it is, and what a person requests of it. */
export function powerRoutes({ power }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/power',
        summary: 'The UPSes, and what would start a shutdown',
        scope: 'read',
        answer: powerState,
      },
      () => power.state(),
    ),
    route(
      {
        method: 'get',
        path: '/power/plan',
        summary: 'What a shutdown would do now, against the runtime of the battery',
        scope: 'read',
        answer: powerPlan,
      },
      () => power.plan(),
    ),
    route(
      {
        method: 'get',
        path: '/outages',
        summary: 'Outages and rehearsals, newest first',
        scope: 'read',
        query: page,
        answer: outages,
      },
      ({ query }) => power.outages(query),
    ),
    route(
      {
        method: 'get',
        path: '/power/readings',
        summary: 'What each UPS has told in the last day, a sample a minute',
        scope: 'read',
        answer: readings,
      },
      () => power.readings(),
    ),
    route(
      {
        method: 'get',
        path: '/upses',
        summary: 'Everything that upsd tells of each UPS',
        scope: 'read',
        answer: upses,
      },
      (_, { signal }) => power.upses(signal),
    ),
    route(
      {
        method: 'get',
        path: '/upses/{name}',
        summary: 'Everything that upsd tells of one UPS',
        scope: 'read',
        params: z.strictObject({ name: label('The label of a UPS') }),
        answer: upsDetails,
      },
      ({ params }, { signal }) => power.ups({ ups: params.name }, signal),
    ),
    ...requestRoutes({ power }),
  ]
}

function requestRoutes({ power }: Pick<Operator, 'power'>) {
  return [
    route(
      {
        method: 'post',
        path: '/power/shutdown',
        summary: 'Shuts everything down now, until someone wakes it',
        scope: 'operate',
        answer: changed,
      },
      (_, asked) => power.shutDown(asked),
    ),
    route(
      {
        method: 'post',
        path: '/power/cancel',
        summary: 'Cancels a shutdown that is in progress or about to start, or a rehearsal',
        scope: 'operate',
        answer: changed,
      },
      (_, asked) => power.cancel(asked),
    ),
    route(
      {
        method: 'post',
        path: '/power/wake',
        summary: 'Wakes what was shut down, or one machine',
        scope: 'operate',
        body: z.strictObject({
          machine: nameIfAny('One machine, whatever is on record'),
          all: flag('Also those that were off before'),
        }),
        answer: changed,
      },
      ({ body }, asked) => power.wake(body, asked),
    ),
    route(
      {
        method: 'post',
        path: '/power/drill',
        summary: 'Rehearses a power cut',
        scope: 'operate',
        kind: 'waiting',
        body: z.strictObject({
          dryRun: flag('Only checks, and changes nothing'),
          until: choice(reversiblePhases, 'Stops after this phase'),
        }),
        answer: drill,
      },
      ({ body }, asked) => power.drill(body, asked),
    ),
  ]
}
