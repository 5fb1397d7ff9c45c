import { z } from '@hono/zod-openapi'
import type { Operator } from '../../core/operator.ts'
import { choice, fileText, flag, label, nameIfAny, names, pairs } from '../fields.ts'
import { route } from '../route.ts'
import { changed } from '../schemas/jobs.ts'
import { rendered } from '../schemas/machine-configs.ts'

/** The configurations that machines get, and the secrets in them. */
export function machineConfigRoutes({ machineConfigs }: Pick<Operator, 'machineConfigs'>) {
  return [
    route(
      {
        method: 'post',
        path: '/machines/{machine}/render',
        summary: 'What a machine would get as its configuration, with secrets masked',
        scope: 'operate',
        kind: 'asking',
        params: z.strictObject({
          machine: label('Its name in machines.yaml; or the UUID, MAC address, address or code of one that asks'),
        }),
        body: z.strictObject({
          role: choice(['controlplane', 'worker'], 'What it is to become; default: as it is written or approved'),
          name: nameIfAny('Its hostname; default: as it is written or approved', 63),
          labels: pairs(64, 316, 'Labels of its node; default: as they are written or approved'),
          patches: names(64, 128, 'Files of patches in addition to those that it gets by what it is'),
        }),
        answer: rendered,
      },
      ({ params: { machine }, body }, asked) => machineConfigs.render({ machine, ...body }, asked),
    ),
    route(
      {
        method: 'post',
        path: '/machine-secrets',
        summary: 'Takes the secrets of the cluster; only on the control socket',
        scope: 'admin',
        door: 'socket',
        body: z.strictObject({
          text: fileText(60_000, 'secrets.yaml of talosctl, or the configuration of a control plane'),
          replace: flag('They take the place of those that are there'),
        }),
        answer: changed,
      },
      ({ body }, asked) => machineConfigs.importSecrets(body, asked),
    ),
  ]
}
