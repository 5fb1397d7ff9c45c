import { alertOnce } from '../src/operations/alerts.ts'
import { rehearse } from '../src/operations/rehearse.ts'
import { defineJob } from '../src/operations/job.ts'
import { cron, done } from '../src/core/job.ts'
import { remembered } from '../src/operations/facts.ts'

/** Finds out in quiet times what would not work when the power fails. */
export default defineJob({
  name: 'check-power',
  about: 'once a week asks everything that a power cut would need, without doing it, and warns of what would fail',
  triggers: [cron('0 10 * * 1')],
  runs: 'queue',

  async run(context) {
    const { ports } = context
    const report = await rehearse(context)
    remembered.drill.remember(ports.journal, report)
    const faults = report.checks.filter(({ ok }) => !ok).map(({ subject, text }) => `${subject} ${text}`)
    alertOnce(
      ports.journal,
      'check-power',
      faults.length === 0 ? undefined : `a power cut would not go as planned: ${faults.join('; ')}`,
      'power',
    )
    return done(faults.length === 0 ? 'everything that a power cut needs is there' : faults.join('; '))
  },
})
