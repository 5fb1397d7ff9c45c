import type { Agent } from '../../agent.ts'
import type { JobQueue } from '../../services/queue/queue.ts'
import type { Control } from '../control.ts'
import type { Config } from '../../config/config.ts'
import { createPowerControl } from '../../operations/power-requests.ts'
import { createRolloutControl } from '../../operations/rollout-requests.ts'
import type { RunAnswer, StatusAnswer } from '../protocol.ts'
import { AgentError } from '../../core/errors.ts'
import type { Job } from '../../operations/job.ts'
import { describeLeftBehind, movementOf } from '../../core/release/left-behind.ts'
import type { Run } from '../../core/journal.ts'
import type { Ports } from '../../core/ports.ts'
import { previewUpgrade } from '../../operations/preview-upgrade.ts'
import { remembered } from '../../operations/facts.ts'
import { parseVersion } from '../../core/version.ts'

/** So many alerts that were settled are shown. */
const shownSettled = 200

export interface ControlOptions {
  readonly agent: Agent
  readonly ports: Ports
  readonly queue: Pick<JobQueue, 'counts'>
  readonly version: string
  readonly pid: number
  readonly startedAt: Date
  readonly config: Config
  readonly loginRefused: (label: string) => string | undefined
}

/** What the control socket answers: the agent's own state, and what it sees when it looks. */
export function createControl({
  agent,
  ports,
  queue,
  version,
  pid,
  startedAt,
  config,
  loginRefused,
}: ControlOptions): Control {
  const { journal, share } = ports
  const { alerts } = agent

  function find(name: string): Job {
    const job = agent.jobs.find((candidate) => candidate.name === name)
    if (job) return job
    throw new AgentError(
      'misconfigured',
      `there is no job ${name}; there are ${agent.jobs.map((known) => known.name).join(', ')}`,
    )
  }

  const rollouts = createRolloutControl({
    agent,
    ports,
    upgradeNode: find('upgrade-node'),
    nodes: config.nodes.map(({ name }) => name),
  })

  async function run(name: string, { wait, signal }: { wait: boolean; signal: AbortSignal }): Promise<RunAnswer> {
    const job = find(name)
    if (!wait) {
      await agent.start(job)
      return { outcome: 'started', detail: `${name} was asked to run` }
    }
    const askedAt = agent.monotonic()
    return new Promise((resolve, reject) => {
      // A run that was under way already does not count: it may have looked before we asked.
      const stop = agent.onRun((report) => {
        if (report.job !== name || report.startedAt < askedAt) return
        stop()
        resolve({ outcome: report.outcome, detail: report.detail })
      })
      signal.addEventListener('abort', () => {
        stop()
        reject(new AgentError('unreachable', 'the CLI has gone'))
      })
      agent.start(job).catch((error: unknown) => {
        stop()
        reject(error)
      })
    })
  }

  const power = createPowerControl({ agent, ports, config, jobNamed: find, loginRefused, run })

  return {
    status: async (signal): Promise<StatusAnswer> => {
      const { ownNode } = agent.preview(find('upgrade-node'), signal)
      const [cluster, staged, counts] = await Promise.all([agent.observe(signal), share.staged(), queue.counts()])
      const upgrade = journal.runs(100).find(({ job }) => job === 'upgrade-node')
      return {
        version,
        pid,
        startedAt: startedAt.toISOString(),
        cluster,
        power: power.power(),
        target: remembered.target.recall(journal),
        news: remembered.news.recall(journal),
        leftBehind: describeLeftBehind(movementOf(cluster, ownNode), remembered.target.recall(journal)),
        leaseHolder: agent.leaseHolder,
        activities: agent.activities,
        alerts: { open: alerts.all.length, worst: alerts.all[0] },
        outage: journal.openOutage(),
        paused: remembered.paused.recall(journal),
        waiting: upgrade && whyNotDone(upgrade),
        published: staged.find((image) => image.published),
        queue: counts,
        journalDegraded: journal.degraded,
      }
    },
    jobs: () => {
      const runs = journal.runs(500)
      return agent.jobs.map(({ name, about, triggers, runs: where }) => ({
        name,
        about,
        triggers,
        runs: where,
        lastRun: runs.find((one) => one.job === name),
      }))
    },
    run,
    plan: async (signal) => {
      const { cluster: _, ...rest } = await previewUpgrade(agent.preview(find('upgrade-node'), signal))
      return rest
    },
    stage: async (wanted, options) => {
      if (wanted !== undefined) {
        if (!wanted.startsWith('v') || !parseVersion(wanted))
          throw new AgentError('misconfigured', `${wanted} is not a Talos release such as v1.13.9`)
        remembered.stagingRequests.remember(journal, [
          ...new Set([...(remembered.stagingRequests.recall(journal) ?? []), wanted]),
        ])
      }
      return run('stage-image', options)
    },
    rollouts,
    staged: () => share.staged(),
    power,
    alerts: (all) => (all ? [...alerts.all, ...alerts.settled(shownSettled)] : alerts.all),
    journal: (limit) => journal.entries(limit),
    runs: (limit) => journal.runs(limit),
  }
}

/** What a run of the upgrade waits for, failed of, or is stuck at; undefined while it runs, and where all is done. */
function whyNotDone({ outcome, detail }: Run): string | undefined {
  if (outcome === undefined) return undefined
  return outcome === 'done' && detail?.startsWith('stuck: ') !== true ? undefined : detail
}
