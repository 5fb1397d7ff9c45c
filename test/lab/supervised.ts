import { onTestFinished } from 'vitest'
import type { AlertContent } from '../../src/core/alert.ts'
import type { RunningService } from '../../src/core/service.ts'
import { createSupervisor } from '../../src/engine/supervisor.ts'
import { silentLog } from '../fakes/log.ts'

/** A service as the daemon keeps it running, with little patience; it ends with the test. */
export async function supervise(
  name: string,
  start: () => Promise<RunningService>,
  alerts = new Map<string, AlertContent>(),
) {
  const supervisor = createSupervisor({
    services: [{ name }],
    start,
    alerts: {
      open: (id, content) => !alerts.has(id) && Boolean(alerts.set(id, content)),
      settle: (id) => alerts.delete(id),
    },
    log: silentLog,
    now: () => new Date(),
    limits: { firstWait: 20, longestWait: 200, steady: 100 },
  })
  onTestFinished(() => supervisor.stop())
  await supervisor.start()
  return {
    state: () => supervisor.status[0]!.state,
    /** What the alert says that it is down. */
    down: () => alerts.get(`service.down:${name}`)?.text,
  }
}
