import { createTurns } from '../core/at-once.ts'
import type { Node } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import { type Asked, type NodeRequests } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { cleanText, longestReason } from '../core/requester.ts'
import { markForRetry } from '../core/upgrade/attempts.ts'
import { remembered, withdrawRollbacks } from './facts.ts'
import { describeGoingBack, goingBack } from './going-back.ts'
import { withoutWord } from './pause.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import type { RecentLook } from './recent-look.ts'
import { patiently, type RequestMeans, unchanged } from './request.ts'
import { rollBack } from './rollback-request.ts'
import { reportRollout } from './rollout-alerts.ts'
import { changedRollout, whyHeld } from './rollout-requests.ts'
import { findJob, notFound } from './running-agent.ts'

export interface NodeMeans extends RequestMeans {
  /** What was seen of the cluster last. */
  readonly seen: Pick<RecentLook<Cluster>, 'recent'>
}

/** Requests about one node, or about all. */
export function createNodeRequests(means: NodeMeans): NodeRequests {
  const list = async (signal: AbortSignal) => (await means.seen.recent(signal)).value.nodes
  // Each reads the node first, to tell whether it changes anything: the one before it must have ended.
  const inTurn = createTurns()
  return {
    list,
    find: async ({ node }, signal) => {
      const name = demandNode(means, node)
      const found = (await list(signal)).find((one) => one.name === name)
      // It was added to the configuration after the look.
      if (!found) throw new AgentError('not-now', `${name} was not looked at yet: try again in a moment`)
      return found
    },
    pause: async ({ node, reason }, asked) => inTurn(() => pauseNode(means, demandNode(means, node), reason, asked)),
    resume: async ({ node }, asked) => inTurn(() => resumeNode(means, demandNode(means, node), asked)),
    retry: async ({ node }, asked) =>
      inTurn(() => retry(means, node === undefined ? undefined : demandNode(means, node), asked)),
    rollback: async ({ node, force }, asked) => rollBack(means, { node: demandNode(means, node), force }, asked),
  }
}

/** @throws AgentError `not-found` */
function demandNode({ config }: RequestMeans, name: string): string {
  const { nodes } = config()
  if (nodes.some((node) => node.name === name)) return name
  throw notFound('node', name, nodes)
}

async function pauseNode(
  means: RequestMeans,
  node: string,
  given: string | undefined,
  asked: Asked,
): Promise<RequestAnswer> {
  const reason = withoutWord(cleanText(given ?? '', longestReason) ?? '') || 'no reason given'
  if ((await pausedOf(means, node, asked.signal)) === reason) return unchanged(`${node} was already paused: ${reason}`)
  await means.ports.kubernetes.pause(node, reason, patiently(asked.signal))
  return changedRollout(means, `${node} is paused: ${reason}`, asked, node)
}

async function resumeNode(means: RequestMeans, node: string, asked: Asked): Promise<RequestAnswer> {
  if ((await pausedOf(means, node, asked.signal)) === undefined) return unchanged(`${node} was not paused`)
  await means.ports.kubernetes.pause(node, undefined, patiently(asked.signal))
  return changedRollout(means, `${node} is no longer paused`, asked, node)
}

/** Why a node is paused, as Kubernetes says; what can't be asked is not taken for an answer. */
async function pausedOf(
  { agent }: RequestMeans,
  name: string,
  signal: AbortSignal,
): Promise<string | null | undefined> {
  const { nodes } = await agent.observe(patiently(signal))
  const kubernetes = nodes.find((node) => node.name === name)?.kubernetes
  return kubernetes?.ok ? kubernetes.value.paused : null
}

async function retry(means: RequestMeans, node: string | undefined, asked: Asked): Promise<RequestAnswer> {
  const { agent, ports, config } = means
  const { journal } = ports
  const names = node === undefined ? config().nodes.map(({ name }) => name) : [node]
  const { nodes: observed } = await agent.observe(patiently(asked.signal))
  const forgotten: string[] = []
  for (const found of observed.filter(({ name }) => names.includes(name)))
    if (await forgetFailures(means, found, asked.signal)) forgotten.push(found.name)
  const blocked = Object.entries(remembered.blocked.recall(journal) ?? {})
  const left = blocked.filter(([name]) => !names.includes(name))
  remembered.blocked.remember(journal, Object.fromEntries(left))
  const requested = (remembered.rollbacks.recall(journal) ?? []).filter((request) => names.includes(request.node))
  const first = describeGoingBack(
    goingBack(
      observed,
      requested.map((one) => one.node),
    ),
  )
  withdrawRollbacks(journal, names)
  reportRollout(agent.alerts, undefined, 'it is tried again on request')
  if (forgotten.length === 0 && left.length === blocked.length && requested.length === 0) {
    // Whoever asks for a retry wants the upgrade to look again, too.
    await agent.start(findJob(agent, 'upgrade-node')).catch(() => {})
    return unchanged(`there is nothing to retry: ${node ?? 'no node'} has ${node === undefined ? '' : 'not '}failed`)
  }
  return changedRollout(means, `${node ?? 'every node'} will be tried again${first}${whyHeld(means)}`, asked, node)
}

/** Takes what failed off a node. Returns whether there was anything; what can't be asked is tried all the same. */
async function forgetFailures({ ports }: RequestMeans, node: Node, signal: AbortSignal): Promise<boolean> {
  const { name, kubernetes } = node
  const mark = markForRetry(node)
  if (mark) await ports.kubernetes.noteMark(name, mark, patiently(signal))
  if (kubernetes.ok && kubernetes.value.attempts === undefined) return mark !== undefined
  await ports.kubernetes.forgetAttempts(name, patiently(signal))
  return true
}
