import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import { basePath } from './base-path.ts'
import type { RouteSpec } from './route.ts'
import { problem } from './schemas/problem.ts'

export const problemContent = { 'application/problem+json': { schema: problem } }

/** A route as the document tells it. */
export function specOf({ method, path, summary, scope, door, params, query, body, answer }: RouteSpec): RouteConfig {
  return {
    method,
    path,
    summary,
    operationId: operationIdOf(method, path),
    tags: [path.split('/')[1]!],
    security: [{ token: [] }, { session: [] }],
    'x-scope': scope,
    ...(door === undefined ? {} : { 'x-door': door }),
    request: {
      ...(params ? { params } : {}),
      ...(query ? { query } : {}),
      ...(body
        ? { body: { required: !body.safeParse({}).success, content: { 'application/json': { schema: body } } } }
        : {}),
    },
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: answer } } },
      default: { description: 'What went wrong', content: problemContent },
    },
  }
}

/** `postNodesNamePause`. */
function operationIdOf(method: string, path: string): string {
  const words = path.split(/[^a-z]+/i).filter((word) => word !== '')
  return [method, ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('')
}

/** The OpenAPI document (3.1) of what an app serves. */
export function documentOf(app: OpenAPIHono) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'caretaker',
  })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Caretaker', version: '1', description: about },
    servers: [{ url: basePath }],
  })
}

const about =
  `Everything that the CLI can do. Times are ISO 8601 in UTC, and numbers have their unit in their name. What a
request needs stands as x-scope: read, operate or admin, where each includes the former. Fields may be added to answers:
what a client does not know it leaves alone. Lists are answered page by page, newest first.`.replaceAll('\n', ' ')
