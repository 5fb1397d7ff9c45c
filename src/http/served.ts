import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import type { Access } from './access.ts'
import { basePath } from './base-path.ts'
import { serve } from './door.ts'
import { answerError, answerProblem, noSuchRequest } from './errors.ts'
import { createGate, type Limits } from './limits.ts'
import { createLive } from './live.ts'
import { documentOf } from './openapi.ts'
import { routesOf } from './routes.ts'
import { liveEvents, liveSpec } from './schemas/live.ts'
import { sessionSpecs } from './schemas/session.ts'

export interface ApiOptions {
  readonly limits: Limits
  /** Whom this door lets in. */
  readonly access: Access
  readonly log: Logger
}

/** What the API serves: every route, and the document that describes them. */
export function createServed(operator: Operator, { limits, access, log }: ApiOptions): OpenAPIHono {
  const routes = serve(routesOf(operator), { access, gate: createGate(limits) })
  const live = createLive(operator, { most: limits.live, log })
  routes.openAPIRegistry.registerPath(liveSpec)
  // Answered by the door that has sessions.
  for (const spec of sessionSpecs) routes.openAPIRegistry.registerPath(spec)
  routes.openAPIRegistry.register('LiveState', liveEvents.state)
  routes.openAPIRegistry.register('AlertChange', liveEvents.alert)
  routes.get('/live', async (c) => {
    await access.admit(c, 'read')
    // Who is let in no longer, because a token is revoked, hears no more.
    return live.open({
      signal: c.req.raw.signal,
      check: async () => void (await access.admit(c, 'read')),
      cut: () => (c.env as Partial<HttpBindings>).outgoing?.destroy(),
    })
  })
  let document: string | undefined
  routes.get('/openapi.json', async (c) => {
    await access.admit(c, 'read')
    document ??= JSON.stringify(documentOf(routes))
    return c.body(document, 200, { 'content-type': 'application/json' })
  })
  const app = new OpenAPIHono()
  app.notFound(async (c) => {
    await access.admit(c, 'read')
    return answerProblem(noSuchRequest(404))
  })
  app.onError((error, c) => answerError(error, c, log))
  app.route(basePath, routes)
  return app
}
