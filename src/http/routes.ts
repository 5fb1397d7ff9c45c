import type { Operator } from '../core/operator.ts'
import { doctorRoutes } from './routes/doctor.ts'
import { jobRoutes } from './routes/jobs.ts'
import { machineRoutes } from './routes/machines.ts'
import { machineConfigRoutes } from './routes/machine-configs.ts'
import { netbootRoutes } from './routes/netboot.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { powerRoutes } from './routes/power.ts'
import { rolloutRoutes } from './routes/rollouts.ts'
import { stagingRoutes } from './routes/staging.ts'
import { statusRoutes } from './routes/status.ts'
import { tokenRoutes } from './routes/tokens.ts'
import type { SchemaOf } from './route.ts'

/** Every request of the API: each leads to the one Operator. */
export function routesOf(operator: Operator) {
  return [
    ...statusRoutes(operator),
    ...jobRoutes(operator),
    ...rolloutRoutes(operator),
    ...nodeRoutes(operator),
    ...powerRoutes(operator),
    ...stagingRoutes(operator),
    ...notificationRoutes(operator),
    ...tokenRoutes(operator),
    ...doctorRoutes(operator),
    ...netbootRoutes(operator),
    ...machineRoutes(operator),
    ...machineConfigRoutes(operator),
  ]
}

/** What the client is typed by. */
export type ApiSchema = SchemaOf<ReturnType<typeof routesOf>[number]>
