import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { AgentError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import type { Access } from './access.ts'
import { createDoor } from './door.ts'
import { answerError } from './errors.ts'
import { createGate, type Limits } from './limits.ts'
import { jobRoutes } from './routes/jobs.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { powerRoutes } from './routes/power.ts'
import { rolloutRoutes } from './routes/rollouts.ts'
import { stagingRoutes } from './routes/staging.ts'
import { statusRoutes } from './routes/status.ts'

export interface ApiOptions {
  readonly limits: Limits
  /** Whom this door lets in. */
  readonly access: Access
  readonly log: Logger
}

/** The whole API: every route leads to the one Operator. */
export function createApi(operator: Operator, { limits, access, log }: ApiOptions) {
  const door = createDoor(createGate(limits), access)
  const app = new Hono()
  app.use(
    bodyLimit({
      maxSize: limits.body,
      onError: () => {
        throw new AgentError('misconfigured', `the request is larger than ${limits.body / 1_024} KiB`)
      },
    }),
  )
  app.notFound((c) =>
    answerError(new AgentError('not-found', 'no such request; is the CLI newer than the daemon?'), c, log),
  )
  app.onError((error, c) => answerError(error, c, log))
  return app
    .route('/', statusRoutes(operator, door))
    .route('/', jobRoutes(operator, door))
    .route('/', rolloutRoutes(operator, door))
    .route('/', nodeRoutes(operator, door))
    .route('/', powerRoutes(operator, door))
    .route('/', stagingRoutes(operator, door))
}

/** What the client is typed by. */
export type Api = ReturnType<typeof createApi>
