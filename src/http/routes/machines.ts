import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { longestReason } from '../../core/requester.ts'
import { choice, flag, label, labels, names, nameIfAny, text } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { inventory, machineConsole, machineDetails, machines as machineList } from '../schemas/machines.ts'

const params = z.strictObject({ machine: label('The name, UUID, MAC address, address or code of a machine') })

/** Machines on their way into the cluster, and what a person decides about them. */
export function machineRoutes({ machines }: Operator) {
  return [
    route(
      {
        method: 'get',
        path: '/machines',
        summary: 'Machines that ask for their configuration, or have it, those that wait for a person first',
        scope: 'read',
        answer: machineList,
      },
      () => machines.list(),
    ),
    route(
      {
        method: 'get',
        path: '/machines/{machine}',
        summary: 'One machine, with everyone who claims to be it, and what speaks for it',
        scope: 'read',
        params,
        answer: machineDetails,
      },
      ({ params: given }) => machines.find(given),
    ),
    route(
      {
        method: 'get',
        path: '/machines/{machine}/console',
        summary: 'What a machine shows on its screen that waits in maintenance',
        scope: 'read',
        params,
        answer: machineConsole,
      },
      ({ params: given }) => machines.console(given),
    ),
    route(
      {
        method: 'get',
        path: '/inventory',
        summary: 'Machines that have joined the cluster by Caretaker, as nodes',
        scope: 'read',
        answer: inventory,
      },
      () => machines.inventory(),
    ),
    ...decisionRoutes({ machines }),
  ]
}

function decisionRoutes({ machines }: Pick<Operator, 'machines'>) {
  return [
    route(
      {
        method: 'post',
        path: '/machines/{machine}/approve',
        summary: 'Lets a machine have its configuration once, with the secrets of the cluster',
        scope: 'admin',
        params,
        body: z.strictObject({
          role: choice(['controlplane', 'worker'], 'What it becomes; default: what machines.yaml says'),
          name: nameIfAny('Its hostname, and its name in Kubernetes; default: what machines.yaml says', 63),
          labels: labels('Labels of its node, in addition to those of machines.yaml'),
          patches: names(
            64,
            255,
            'Files of patches in addition to those that its role and labels select; default: those of machines.yaml',
          ),
          fingerprint: text(64, 'Of its key, as its console shows it, where it waits in maintenance'),
          force: flag('A control plane also where the cluster is whole, or nothing speaks for the machine'),
        }),
        answer: changed,
      },
      ({ params: { machine }, body }, asked) => machines.approve({ machine, ...body }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/machines/{machine}/reject',
        summary: 'Rejects a machine, and withdraws what was approved for it',
        scope: 'operate',
        params,
        body: z.strictObject({
          reason: text(longestReason),
          allBut: text(45, 'Everyone who claims to be it is rejected for an hour, but for this address'),
        }),
        answer: changed,
      },
      ({ params: { machine }, body }, asked) => machines.reject({ machine, ...body }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/machines/{machine}/forget',
        summary: 'Forgets all that is known of a machine: if it asks again it is new',
        scope: 'operate',
        params,
        answer: changed,
      },
      ({ params: given }, asked) => machines.forget(given, asked),
    ),
  ]
}
