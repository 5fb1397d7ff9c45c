import type { Hono } from 'hono'
import { AgentError } from '../../core/errors.ts'
import type { Rollout } from '../../core/upgrade/record.ts'
import type { RolloutAnswer, SaidAnswer } from '../protocol.ts'

/** What a person may ask of rollouts, and say to them. */
export interface RolloutControl {
  rollout(signal: AbortSignal): Promise<RolloutAnswer>
  /** Newest first. */
  rollouts(): readonly Rollout[]
  /** Stops after what is under way. */
  pause(reason: string): Promise<SaidAnswer>
  resume(): Promise<SaidAnswer>
  /** Takes a pause and an abort back. */
  start(): Promise<SaidAnswer>
  abort(signal: AbortSignal): Promise<SaidAnswer>
  /** Without a release the one to go to. `losing`: what nodes may lose by it, by name. */
  approve(version: string | undefined, losing: readonly string[], signal: AbortSignal): Promise<SaidAnswer>
  /** Opens a window by hand, for so many ms. */
  runNow(lasts: number): Promise<SaidAnswer>
  /** Leaves the node out, with a reason; undefined takes it in again. */
  pauseNode(node: string, reason: string | undefined): Promise<SaidAnswer>
  /** Forgets failed attempts of one node, or of all. */
  retry(node: string | undefined): Promise<SaidAnswer>
  /** Takes a node back to what it ran before, or disarms it. */
  rollback(node: string, force: boolean): Promise<SaidAnswer>
}

const longest = 7 * 24 * 3_600_000

/** Adds the routes of rollouts. */
export function routeRollouts(app: Hono, control: RolloutControl): void {
  app.get('/rollout', async (c) => c.json(await control.rollout(c.req.raw.signal)))
  app.get('/rollouts', (c) => c.json(control.rollouts()))
  app.post('/rollout/pause', async (c) => c.json(await control.pause(c.req.query('reason') || 'rollouts are paused')))
  app.post('/rollout/resume', async (c) => c.json(await control.resume()))
  app.post('/rollout/start', async (c) => c.json(await control.start()))
  app.post('/rollout/abort', async (c) => c.json(await control.abort(c.req.raw.signal)))
  app.post('/rollout/approve', async (c) => {
    const losing = (c.req.query('losing') ?? '').split(',').flatMap((name) => name.trim() || [])
    return c.json(await control.approve(c.req.query('version'), losing, c.req.raw.signal))
  })
  app.post('/rollout/run-now', async (c) => {
    const lasts = Number(c.req.query('for'))
    if (!(lasts >= 1 && lasts <= longest))
      throw new AgentError('misconfigured', 'a window that is opened by hand lasts up to 7 days')
    return c.json(await control.runNow(lasts))
  })
  app.post('/rollout/retry', async (c) => c.json(await control.retry(c.req.query('node'))))
  app.post('/nodes/:name/pause', async (c) =>
    c.json(await control.pauseNode(c.req.param('name'), c.req.query('reason') || 'paused')),
  )
  app.post('/nodes/:name/resume', async (c) => c.json(await control.pauseNode(c.req.param('name'), undefined)))
  app.post('/nodes/:name/rollback', async (c) =>
    c.json(await control.rollback(c.req.param('name'), c.req.query('force') === 'true')),
  )
}
