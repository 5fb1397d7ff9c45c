import { listed } from '../../../core/count.ts'
import { describeDuration } from '../../../core/duration.ts'
import type { Asking, PageRequest } from '../../../operations/pages.ts'

const hour = 3_600_000

/** What a person requests of rollouts. */
export const rolloutRequests: Readonly<Record<string, PageRequest>> = {
  approve: {
    title: 'Approve this release?',
    label: 'Approve it',
    scope: 'operate',
    fields: [{ kind: 'given', name: 'version' }],
    preview: async ({ version }, asking) => {
      const { order, takesMs, version: coming, warnings } = await asking.operator.rollouts.plan(asking.signal)
      const release = version ?? coming ?? 'the release that is coming'
      const nodes = order.length === 0 ? [] : [`${listed(order)} are upgraded, in this order`]
      return [
        `${release} is approved: its rollout starts in the next window`,
        ...nodes,
        ...(takesMs === 0 ? [] : [`That takes about ${describeDuration(takesMs)}`]),
        ...warnings,
      ]
    },
    perform: async ({ version }, { operator }, asked) => (await operator.rollouts.approve({ version }, asked)).said,
  },
  pause: {
    title: 'Pause rollouts?',
    label: 'Pause rollouts',
    scope: 'operate',
    fields: [{ kind: 'text', name: 'reason', label: 'Why (shown to everybody)', most: 200 }],
    preview: async (_, asking) => [
      'No further node is upgraded until someone resumes rollouts',
      ...(await inHand(asking)),
    ],
    perform: async ({ reason }, { operator }, asked) => (await operator.rollouts.pause({ reason }, asked)).said,
  },
  resume: {
    title: 'Resume rollouts?',
    label: 'Resume rollouts',
    scope: 'operate',
    preview: async (_, asking) => whatFollows(asking, 'Rollouts are no longer paused'),
    perform: async (_, { operator }, asked) => (await operator.rollouts.resume(asked)).said,
  },
  start: {
    title: 'Go on with rollouts?',
    label: 'Go on',
    scope: 'operate',
    preview: async (_, asking) => whatFollows(asking, 'A pause, an abort and requests to roll back are withdrawn'),
    perform: async (_, { operator }, asked) => (await operator.rollouts.start(asked)).said,
  },
  abort: {
    title: 'Abort the rollout?',
    label: 'Abort the rollout',
    scope: 'operate',
    isDangerous: true,
    fields: [{ kind: 'given', name: 'version' }],
    preview: async ({ version }, asking) => [
      `No further node is upgraded to ${version ?? 'the release that is under way or coming'} until someone starts it again`,
      'Nodes that have it installed are finished, nodes that are only cordoned are uncordoned',
      ...(await inHand(asking)),
    ],
    perform: async ({ version }, { operator }, asked) => (await operator.rollouts.abort({ version }, asked)).said,
  },
  window: {
    title: 'Open an upgrade window now?',
    label: 'Open it',
    scope: 'operate',
    fields: [
      {
        kind: 'choice',
        name: 'hours',
        label: 'For how long',
        options: [1, 2, 4, 8, 24].map((hours) => ({ value: String(hours), label: describeDuration(hours * hour) })),
      },
    ],
    preview: async (_, asking) => whatFollows(asking, 'Nodes may be upgraded from now on, whatever the windows say'),
    perform: async ({ hours }, { operator }, asked) =>
      (await operator.rollouts.openWindow({ lastsMs: Number(hours ?? 2) * hour }, asked)).said,
  },
}

async function inHand({ operator }: Asking): Promise<readonly string[]> {
  const steps = operator.activities().filter(({ job }) => job === 'upgrade-node')
  return steps.length === 0 ? [] : [`What is under way: ${steps.map(({ step }) => step).join(', ')}`]
}

/** What the next run would do once nothing of a person is in the way. */
async function whatFollows({ operator, signal }: Asking, first: string): Promise<readonly string[]> {
  const { release, order, takesMs } = await operator.rollouts.plan(signal)
  const reason = release.kind === 'current' ? release.reason : `${release.version}: ${release.reason}`
  const nodes = order.length === 0 ? [] : [`${listed(order)} would go next, in about ${describeDuration(takesMs)}`]
  return [first, `Of releases: ${reason}`, ...nodes]
}
