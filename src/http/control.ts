import { chmod, rm } from 'node:fs/promises'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { Alert } from '../core/alert.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Entry, Run } from '../core/journal.ts'
import type { StagedImage } from '../core/release/image.ts'
import { type PowerControl, routePower } from './routes/power.ts'
import { type RolloutControl, routeRollouts } from './routes/rollouts.ts'
import type { ErrorAnswer, JobAnswer, PlanAnswer, RunAnswer, StatusAnswer } from './protocol.ts'

/** What the control socket needs of the daemon. */
export interface Control {
  status(signal: AbortSignal): Promise<StatusAnswer>
  jobs(): readonly JobAnswer[]
  /** Starts a job; with `wait` resolves when a run that began after the call has ended. */
  run(job: string, options: { wait: boolean; signal: AbortSignal }): Promise<RunAnswer>
  plan(signal: AbortSignal): Promise<PlanAnswer>
  stage(version: string | undefined, options: { wait: boolean; signal: AbortSignal }): Promise<RunAnswer>
  readonly rollouts: RolloutControl
  staged(): Promise<readonly StagedImage[]>
  readonly power: PowerControl
  /** Those that are open, the most severe first; with `all` then those that were settled, the newest first. */
  alerts(all: boolean): readonly Alert[]
  journal(limit: number): readonly Entry[]
  runs(limit: number): readonly Run[]
}

/**
 * Serves the CLI over a unix socket, which only the user that runs the daemon may open: no port, no token. The whole
 * API is on this page.
 */
export async function serveControl(path: string, control: Control): Promise<AsyncDisposable> {
  const app = new Hono()
  const wants = (flag: string | undefined) => flag !== undefined && flag !== 'false'

  app.get('/status', async (c) => c.json(await control.status(c.req.raw.signal)))
  app.get('/jobs', (c) => c.json(control.jobs()))
  app.post('/jobs/:name/run', async (c) =>
    c.json(await control.run(c.req.param('name'), { wait: wants(c.req.query('wait')), signal: c.req.raw.signal })),
  )
  app.get('/plan', async (c) => c.json(await control.plan(c.req.raw.signal)))
  app.post('/stage', async (c) =>
    c.json(await control.stage(c.req.query('version'), { wait: wants(c.req.query('wait')), signal: c.req.raw.signal })),
  )
  routeRollouts(app, control.rollouts)
  app.get('/staged', async (c) => c.json(await control.staged()))
  routePower(app, control.power)
  app.get('/alerts', (c) => c.json(control.alerts(wants(c.req.query('all')))))
  app.get('/journal', (c) => c.json(control.journal(toLimit(c.req.query('limit')))))
  app.get('/runs', (c) => c.json(control.runs(toLimit(c.req.query('limit')))))
  app.notFound((c) =>
    c.json(
      {
        error: 'there is no such thing here; is the CLI newer than the daemon?',
        code: 'rejected',
      } satisfies ErrorAnswer,
      404,
    ),
  )
  app.onError((error, c) => {
    const code = error instanceof AgentError ? error.code : 'malformed'
    return c.json(
      { error: messageOf(error), code } satisfies ErrorAnswer,
      code === 'rejected' || code === 'misconfigured' ? 400 : 500,
    )
  })

  const server = createAdaptorServer({ fetch: app.fetch })
  // A socket that a killed daemon left behind; that it is nobody's is known from the lock on the state directory.
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new AgentError('misconfigured', `the control socket ${path} can't be opened: ${messageOf(error)}`, error)),
    )
    server.listen(path, resolve)
  })
  // Whatever the umask says, and wherever the state directory was made.
  await chmod(path, 0o600)
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
      await rm(path, { force: true })
    },
  }
}

function toLimit(text: string | undefined): number {
  const limit = Number(text ?? 50)
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, 10_000) : 50
}
