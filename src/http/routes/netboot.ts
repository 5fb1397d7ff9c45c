import { z } from '@hono/zod-openapi'
import { routerKinds } from '../../core/netboot/recipes/routers.ts'
import type { Operator } from '../../core/operator.ts'
import { choice, flag, label } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { netbootCheck, netbootMachine, netbootMachines, recipe } from '../schemas/netboot.ts'

const params = z.strictObject({ machine: label('The name, MAC address or UUID of a machine') })

/** What machines do that boot from the network, and what a person requests of them. */
export function netbootRoutes({ netboot }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/netboot',
        summary: 'Machines that boot from the network, those that asked last first',
        scope: 'read',
        answer: netbootMachines,
      },
      () => netboot.status(),
    ),
    route(
      {
        method: 'get',
        path: '/netboot/machines/{machine}',
        summary: 'One machine, with all its tries to boot from the network',
        scope: 'read',
        params,
        answer: netbootMachine,
      },
      ({ params: given }) => netboot.find(given),
    ),
    route(
      {
        method: 'post',
        path: '/netboot/machines/{machine}/once',
        summary: 'Has a machine boot from the network once more',
        scope: 'operate',
        params,
        body: z.strictObject({ cancel: flag('It is not to do so any more') }),
        answer: changed,
      },
      ({ params: { machine }, body: { cancel } }, asked) => netboot.once({ machine, cancel }, asked),
    ),
    ...checkRoutes({ netboot }),
  ]
}

function checkRoutes({ netboot }: Pick<Operator, 'netboot'>) {
  return [
    route(
      {
        method: 'post',
        path: '/netboot/check',
        summary: 'Asks the network as firmware does, and says who offers what',
        scope: 'operate',
        kind: 'waiting',
        body: z.strictObject({
          machine: label('In whose name; without it in the name of no machine').optional(),
          architecture: choice(['amd64', 'arm64'], 'Of the processor; default: that of the share'),
          loads: choice(['tftp', 'http'], 'How the image is loaded; default: over TFTP'),
        }),
        answer: netbootCheck,
      },
      ({ body }, asked) => netboot.check(body, asked),
    ),
    route(
      {
        method: 'get',
        path: '/netboot/recipes/{router}',
        summary: 'What to enter in a router so that machines boot what is published',
        scope: 'read',
        params: z.strictObject({ router: z.enum(routerKinds).meta({ description: 'The kind of router' }) }),
        answer: recipe,
      },
      ({ params: given }) => netboot.recipe(given),
    ),
  ]
}
