import { about, type Check, type DoctorReport, failed, ok, skipped } from '../core/doctor/check.ts'
import type { DoctorProgress, DoctorRequests } from '../core/doctor/requests.ts'
import type { Asked } from '../core/operator.ts'
import type { TestAnswer } from '../core/notify/test-answer.ts'
import { remembered } from './facts.ts'
import type { Notifier } from './notification-requests.ts'
import { recordChange, type RequestMeans } from './request.ts'
import { findJob } from './running-agent.ts'

export interface DoctorMeans extends RequestMeans {
  /** The notifier that runs, if any. */
  notifier(): Notifier | undefined
}

/** Requests to look at everything before it is needed. */
export function createDoctorRequests({ agent, ports, notifier }: DoctorMeans): DoctorRequests<Asked> {
  const { journal, doctor } = ports
  let underWay: DoctorProgress | undefined
  return {
    state: () => ({ last: remembered.examined.recall(journal), underWay }),
    examine: async ({ only, fix = false, send = false }, asked) => {
      // Loaded when somebody asks.
      const [{ examine }, { mendFiles }, { reportChecks }] = await Promise.all([
        import('./doctor/examine.ts'),
        import('./doctor/mend.ts'),
        import('./doctor/alerts.ts'),
      ])
      const context = agent.preview(findJob(agent, 'check-homelab'), asked.signal)
      try {
        const fixed = fix && doctor ? await mendFiles(doctor.machine) : []
        for (const said of fixed) recordChange(journal, { kind: 'event', subject: 'doctor', said }, asked.by)
        const report = await examine(
          context,
          { only, fixed, onProgress: (progress) => (underWay = progress) },
          asked.signal,
        )
        const whole = send ? withTests(report, await sendTests(notifier(), asked)) : report
        reportChecks(agent.alerts, whole, { opens: false })
        if (only === undefined) remembered.examined.remember(journal, whole)
        return whole
      } finally {
        underWay = undefined
      }
    },
  }
}

async function sendTests(notifier: Notifier | undefined, asked: Asked): Promise<readonly TestAnswer[]> {
  return notifier ? notifier.test(undefined, asked) : []
}

/** What a test message came to takes the place of what the last message did. */
function withTests(report: DoctorReport, tests: readonly TestAnswer[]): DoctorReport {
  const sent = tests.map(({ channel, sent: isSent, detail, tookMs }): Check => ({
    ...about(
      `channel.sent:${channel}`,
      channel,
      isSent
        ? ok(`took a test message`)
        : failed(`did not take a test message: ${detail}`, `Correct notifications.channels.${channel}`),
    ),
    tookMs,
  }))
  const none: Check = {
    ...about('channel.sent', 'notifications', skipped('no notifier runs: nothing was sent')),
    tookMs: 0,
  }
  const ids = new Set(sent.map(({ id }) => id))
  return {
    ...report,
    checks: [...report.checks.filter(({ id }) => !ids.has(id)), ...(sent.length === 0 ? [none] : sent)],
  }
}
