import type { Hono } from 'hono'
import type { Outage } from '../../core/power/outage.ts'
import type { DrillReport } from '../../operations/rehearse.ts'
import type { PowerAnswer, PowerPlanAnswer, RunAnswer, SaidAnswer } from '../protocol.ts'

/** What the CLI may ask of the power, and say to it. */
export interface PowerControl {
  power(): PowerAnswer
  plan(): PowerPlanAnswer
  outages(): readonly Outage[]
  /** Everything down now, until somebody wakes it. */
  shutDown(): Promise<SaidAnswer>
  cancel(): Promise<SaidAnswer>
  /** Everything back; or one machine, whatever is on record; or with `all` those too that were off before. */
  wake(machine: string | undefined, options: { all: boolean; signal: AbortSignal }): Promise<SaidAnswer>
  drill(options: {
    dryRun: boolean
    until: string | undefined
    signal: AbortSignal
  }): Promise<{ readonly run: RunAnswer; readonly report: DrillReport | undefined }>
}

export function routePower(app: Hono, control: PowerControl): void {
  const wants = (flag: string | undefined) => flag !== undefined && flag !== 'false'
  app.get('/power', (c) => c.json(control.power()))
  app.get('/power/plan', (c) => c.json(control.plan()))
  app.get('/outages', (c) => c.json(control.outages()))
  app.post('/power/shutdown', async (c) => c.json(await control.shutDown()))
  app.post('/power/cancel', async (c) => c.json(await control.cancel()))
  app.post('/power/wake', async (c) =>
    c.json(await control.wake(c.req.query('machine'), { all: wants(c.req.query('all')), signal: c.req.raw.signal })),
  )
  app.post('/power/drill', async (c) =>
    c.json(
      await control.drill({
        dryRun: wants(c.req.query('dry-run')),
        until: c.req.query('until'),
        signal: c.req.raw.signal,
      }),
    ),
  )
}
