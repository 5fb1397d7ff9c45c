import { html } from 'hono/html'
import type { PlanAnswer } from '../../../core/operator.ts'
import type { ReleaseAnswer } from '../../../core/release/release-answer.ts'
import { exclusionOf, type ReleasePolicy } from '../../../core/release/policy.ts'
import { isNewer } from '../../../core/version.ts'
import {
  badge,
  card,
  type Markup,
  notice,
  pageTitle,
  prose,
  sentenceOf,
  type Tone,
} from '../../../http/markup/parts.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import { definePage, type Viewing } from '../../../operations/pages.ts'

/** What the page about releases shows. */
export interface ReleasesData {
  readonly releases: readonly JudgedRelease[]
  readonly decision: PlanAnswer['release']
  /** Releases that run, with how many nodes. */
  readonly running: readonly (readonly [version: string, nodes: number])[]
}

export interface JudgedRelease extends ReleaseAnswer {
  readonly verdict: readonly [tone: Tone, word: string]
  readonly reason: string
}

/** Older ones than those that run are many, and nobody goes there. */
const shown = 30

export default definePage<ReleasesData>({
  async read({ operator, status, config, signal }) {
    const [releases, plan, { cluster }] = await Promise.all([
      operator.rollouts.releases(signal),
      operator.rollouts.plan(signal),
      status(),
    ])
    const runs = cluster.nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : []))
    const running = [...Map.groupBy(runs, (version) => version)].map(([version, own]) => [version, own.length] as const)
    return {
      releases: releases
        .slice(0, shown)
        .map((release) => judgeRelease(release, { decision: plan.release, running, policy: config().upgrade })),
      decision: plan.release,
      running,
    }
  },
  view: releasesView,
})

interface Circumstances extends Pick<ReleasesData, 'decision' | 'running'> {
  readonly policy: ReleasePolicy
}

/** What becomes of a release, in a word, and why. */
export function judgeRelease(release: ReleaseAnswer, { decision, running, policy }: Circumstances): JudgedRelease {
  const { version, isWithdrawn } = release
  const runs = running.find(([one]) => one === version)?.[1]
  const named = decision.kind === 'current' ? undefined : decision.version
  const judged = (tone: Tone, word: string, reason: string) => ({ ...release, verdict: [tone, word] as const, reason })
  const excluded = exclusionOf(policy, version)
  if (isWithdrawn) return judged('critical', 'withdrawn', 'the Image Factory marks it as one that is not to be used')
  if (named === version && decision.kind === 'target') return judged('busy', 'target', decision.reason)
  if (named === version) return judged('warning', 'waits', decision.reason)
  if (runs !== undefined) return judged('fine', 'runs', `on ${runs} ${runs === 1 ? 'node' : 'nodes'}`)
  if (excluded !== undefined) return judged('quiet', 'left out', excluded)
  if (running.length > 0 && running.every(([one]) => !isNewer(version, one)))
    return judged('quiet', 'older', 'no node runs anything older')
  return judged('quiet', 'not now', 'another release comes first: see the rollout')
}

export function releasesView({ releases, decision }: ReleasesData, viewing: Viewing): Markup {
  const decided = decision.kind === 'current' ? decision.reason : `${decision.version}: ${decision.reason}`
  return html`${pageTitle('Releases', 'What the Image Factory offers, and what becomes of it.')}
  ${notice(decision.kind === 'wait' ? 'warning' : 'fine', html`<p>${prose(sentenceOf(decided))}.</p>`)}
  ${card(
    'Releases',
    table(
      'Releases',
      [
        { title: 'release', cell: ({ version }) => html`<span class="mono">${version}</span>` },
        { title: 'verdict', cell: ({ verdict: [tone, word] }) => badge(tone, word) },
        { title: 'because', cell: ({ reason }) => prose(reason) },
        {
          title: 'request',
          isUntitled: true,
          cell: ({ version, isWithdrawn }) =>
            isWithdrawn
              ? ''
              : requestButtons(
                  [{ at: '/images/do/stage', label: 'Stage', given: { version }, about: version }],
                  viewing,
                ),
        },
      ],
      releases,
      'The Image Factory offers nothing that can be used.',
    ),
    { id: 'list', isWide: true },
  )}`
}
