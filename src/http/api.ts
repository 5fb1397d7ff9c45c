import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import type { Operator } from '../core/operator.ts'
import { answerError } from './errors.ts'
import type { ApiSchema } from './routes.ts'
import type { ApiOptions } from './served.ts'

export type { ApiOptions }

/**
 * The whole API. What it serves is loaded with the first request: a daemon that nobody asks anything does without some
 * hundred schemas.
 */
export function createApi(operator: Operator, options: ApiOptions) {
  const { limits, log } = options
  let loading: ReturnType<typeof load> | undefined
  async function load() {
    const { createServed } = await import('./served.ts')
    return createServed(operator, options)
  }
  async function served() {
    loading ??= load()
    // A disk that does not give it back may do so the next time.
    loading.catch(() => (loading = undefined))
    return loading
  }
  const app = new Hono()
  app.use(
    bodyLimit({
      maxSize: limits.body,
      onError: () => {
        throw new HTTPException(413, { message: `the request is larger than ${limits.body / 1_024} KiB` })
      },
    }),
  )
  app.onError((error, c) => answerError(error, c, log))
  app.all('*', async (c) => (await served()).fetch(c.req.raw, c.env as object))
  return app
}

/** What the client is typed by. */
export type Api = Hono<object, ApiSchema>
