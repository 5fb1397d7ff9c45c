import { rehearse } from '../src/operations/rehearse.ts'
import { defineJob } from '../src/operations/job.ts'
import { cron, done } from '../src/core/job.ts'
import { remembered } from '../src/operations/facts.ts'

/** Checks in advance whether everything works that a power cut needs. */
export default defineJob({
  name: 'check-power',
  about: 'once a week checks everything that a power cut needs, changes nothing, and warns about what would fail',
  triggers: [cron('0 10 * * 1')],
  runs: 'queue',

  async run(context) {
    const { ports, alerts } = context
    const report = await rehearse(context)
    remembered.drill.remember(ports.journal, report)
    const faults = report.checks.filter(({ ok }) => !ok).map(({ subject, text }) => `${subject} ${text}`)
    alerts.report(
      'power.rehearsal',
      faults.length === 0
        ? undefined
        : {
            severity: 'warning',
            subject: 'power',
            text: `a power cut would not go as planned: ${faults.join('; ')}`,
            action: 'Fix it, then run `caretaker run check-power` again',
          },
    )
    return done(faults.length === 0 ? 'everything that a power cut needs works' : faults.join('; '))
  },
})
