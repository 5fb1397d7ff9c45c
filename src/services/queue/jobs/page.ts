import { html } from 'hono/html'
import type { FailedEntry } from '../../../core/job.ts'
import type { Run, RunOutcome } from '../../../core/journal.ts'
import type { JobAnswer } from '../../../core/operator.ts'
import { describeDuration } from '../../../core/duration.ts'
import { AgentError } from '../../../core/errors.ts'
import { ago, moment, since } from '../../../http/markup/moments.ts'
import { badge, card, type Markup, notice, pageTitle, prose, type Tone } from '../../../http/markup/parts.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import { type Asking, definePage, type PageRequest, type Viewing } from '../../../operations/pages.ts'

/** What the page about jobs shows. */
export interface JobsData {
  readonly jobs: readonly JobAnswer[]
  /** Newest first. */
  readonly runs: readonly Run[]
  readonly queue: Readonly<Record<string, number>> | undefined
  readonly failed: readonly FailedEntry[]
}

/** How many runs are shown. */
const shown = 40

const requests: Readonly<Record<string, PageRequest>> = {
  run: {
    title: 'Run this job now?',
    label: 'Run it',
    scope: 'operate',
    fields: [{ kind: 'given', name: 'job' }],
    preview: ({ job: name }, { operator }) => {
      const found = operator.jobs.list().find((job) => job.name === name)
      if (!found) throw new AgentError('not-found', `There is no job ${name ?? 'without a name'}`)
      return [`${found.name}: ${found.about}`, 'It looks at the homelab first, and does only what is due']
    },
    perform: async ({ job = '' }, { operator }, asked) => (await operator.jobs.run({ job, wait: false }, asked)).detail,
  },
  clear: {
    title: 'Forget what failed?',
    label: 'Forget it',
    scope: 'operate',
    preview: async (_, { operator }) => {
      const failed = await operator.jobs.failed()
      return [`${failed.length} failed jobs are removed from the queue; the journal keeps their runs`]
    },
    perform: async (_, { operator }, asked) => (await operator.jobs.clearFailed(asked)).said,
  },
}

export default definePage<JobsData>({ read: readJobs, view: jobsView, requests })

async function readJobs({ operator, status }: Asking): Promise<JobsData> {
  const { queue } = await status()
  return {
    jobs: operator.jobs.list(),
    runs: operator.jobs.runs({ limit: shown }).items,
    queue,
    // Without its store there is nothing to ask; the page says so.
    failed: queue === undefined ? [] : await operator.jobs.failed().catch(() => []),
  }
}

const outcomes: Readonly<Record<RunOutcome, readonly [Tone, string]>> = {
  done: ['fine', 'done'],
  later: ['quiet', 'waits'],
  stuck: ['warning', 'stuck'],
  failed: ['critical', 'failed'],
  stopped: ['quiet', 'stopped'],
}

export function jobsView({ jobs, runs, queue, failed }: JobsData, viewing: Viewing): Markup {
  return html`${pageTitle('Jobs', 'What runs by itself, what it came to, and the queue.')} ${queueView(queue)}
  ${
    failed.length === 0
      ? ''
      : card(
          'Given up',
          html`${table(
            'Given up',
            [
              { title: 'job', cell: ({ job }) => job },
              { title: 'failed', cell: ({ failedAt }) => (failedAt === undefined ? '' : ago(failedAt, viewing)) },
              { title: 'attempts', isFigure: true, cell: ({ attempts }) => attempts },
              { title: 'reason', cell: ({ reason }) => prose(reason) },
            ],
            failed,
          )}
          ${requestButtons([{ at: '/jobs/do/clear', label: 'Forget them' }], viewing)}`,
          { isWide: true },
        )
  }
  ${card('Jobs', jobTable(jobs, viewing), { isWide: true })} ${card('Runs', runTable(runs, viewing), { isWide: true })}`
}

const counts: readonly (readonly [key: string, word: string])[] = [
  ['active', 'running'],
  ['wait', 'waiting'],
  ['delayed', 'delayed'],
  ['failed', 'failed'],
]

function queueView(queue: JobsData['queue']): Markup {
  if (queue === undefined)
    return notice(
      'critical',
      html`<p>The store of the queue does not answer. The power is guarded without it; everything else waits.</p>`,
    )
  return card(
    'Queue',
    html`<dl class="figures">
      ${counts.map(
        ([key, word]) =>
          html`<div>
            <dt>${word}</dt>
            <dd>${queue[key] ?? 0}</dd>
          </div>`,
      )}
    </dl>`,
  )
}

function jobTable(jobs: readonly JobAnswer[], viewing: Viewing): Markup {
  return table(
    'Jobs',
    [
      {
        title: 'job',
        cell: ({ name, about }) => html`${name}<br /><span class="soft small plain-weight">${about}</span>`,
      },
      {
        title: 'started by',
        isSpare: true,
        cell: ({ triggers }) =>
          html`<span class="small"
            >${triggers
              .map((one) => ('on' in one ? one.on : 'every' in one ? `every ${one.every}` : one.cron))
              .join(', ')}</span
          >`,
      },
      { title: 'last run', cell: ({ lastRun }) => (lastRun ? runWords(lastRun, viewing) : 'never') },
      {
        title: 'request',
        isUntitled: true,
        cell: ({ name }) =>
          requestButtons([{ at: '/jobs/do/run', label: 'Run', given: { job: name }, about: name }], viewing),
      },
    ],
    jobs,
  )
}

function runWords({ outcome, startedAt, detail }: Run, viewing: Viewing): Markup {
  const [tone, words] = outcome === undefined ? (['busy', 'running'] as const) : outcomes[outcome]
  return html`${badge(tone, words)} <span class="soft">${ago(startedAt, viewing)}</span>${
      detail === undefined ? '' : html`<br /><span class="small">${prose(detail)}</span>`
    }`
}

function runTable(runs: readonly Run[], viewing: Viewing): Markup {
  return table(
    'Runs',
    [
      { title: 'job', cell: ({ job }) => job },
      { title: 'began', cell: ({ startedAt }) => moment(startedAt, viewing) },
      {
        title: 'took',
        isFigure: true,
        cell: ({ startedAt, endedAt, outcome }) =>
          endedAt === undefined
            ? outcome === undefined
              ? since(startedAt, viewing)
              : ''
            : describeDuration(Date.parse(endedAt) - Date.parse(startedAt)),
      },
      {
        title: 'came to',
        cell: ({ outcome, detail = '' }) => {
          const [tone, words] = outcome === undefined ? (['busy', 'running'] as const) : outcomes[outcome]
          return html`${badge(tone, words)} ${prose(detail)}`
        },
      },
    ],
    runs,
    'No job has run yet.',
  )
}
