import { describeCounts } from '../src/core/doctor/check.ts'
import { after, cron, done, later } from '../src/core/job.ts'
import { powerObstacle } from '../src/core/power/feeds.ts'
import { defineJob } from '../src/operations/job.ts'
import { remembered } from '../src/operations/facts.ts'

/** In ms: what is out of order because the power is, is not looked at. */
const afterOutage = 3_600_000

/** Looks at everything before it is needed, so that it does not fail in a power cut for the first time. */
export default defineJob({
  name: 'check-homelab',
  about: 'looks at everything as it will be used, once a week, and tells what would not work (caretaker doctor)',
  triggers: [cron('0 10 * * 6')],
  runs: 'queue',

  async run(context) {
    const { alerts, config, ports, power, monotonic, now, signal } = context
    const obstacle =
      powerObstacle(power, monotonic(), config.power) ??
      (ports.journal.openOutage() ? 'an outage is still open' : undefined)
    if (obstacle !== undefined) return later(`nothing is checked now: ${obstacle}`, after(now(), afterOutage))
    // What only a check takes is loaded for it.
    const [{ examine }, { reportChecks }] = await Promise.all([
      import('../src/operations/doctor/examine.ts'),
      import('../src/operations/doctor/alerts.ts'),
    ])
    const report = await examine(context, {}, signal)
    remembered.examined.remember(ports.journal, report)
    reportChecks(alerts, report, { opens: true })
    return done(describeCounts(report.checks))
  },
})
