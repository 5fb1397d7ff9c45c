import { InvalidArgumentError } from 'commander'
import type { RolloutAnswer, SaidAnswer, StatusAnswer } from '../http/protocol.ts'
import { parseDuration } from '../core/duration.ts'
import type { Rollout } from '../core/upgrade/record.ts'
import { renderNodes } from './render.ts'
import { renderHistory, renderRollout } from './render-rollout.ts'
import { command, daemon, exit, group, type Options, print } from './shell.ts'

/** Says something to the daemon, and prints what it did. */
async function say(options: Options, path: string): Promise<number> {
  const answer = await (await daemon(options)).post<SaidAnswer>(path)
  print(options, answer, answer.said)
  return exit.ok
}

const duration = (text: string): string => {
  if (parseDuration(text) === undefined) throw new InvalidArgumentError('use a duration such as 30m or 2h')
  return text
}
const reasonOf = (words: readonly string[], otherwise: string) => encodeURIComponent(words.join(' ') || otherwise)
const of = (node: string | undefined) => `/nodes/${encodeURIComponent(node!)}`

/** Everything that a person asks of rollouts or says to them. */
export function addRolloutCommands(): void {
  group('rollout', 'rollouts: how they go, and what a person says to them')
  command('rollout status', 'how the rollout goes, what it waits for, and what it may be told', async (options) => {
    const answer = await (await daemon(options)).get<RolloutAnswer>('/rollout')
    print(options, answer, renderRollout(answer))
    const { kind } = answer.plan.decision
    return { wait: exit.waiting, stuck: exit.failed, go: exit.ok, upgraded: exit.ok }[kind]
  })
  command('rollout history', 'the rollouts so far, node by node, with how long everything took', async (options) => {
    const rollouts = await (await daemon(options)).get<Rollout[]>('/rollouts')
    print(options, rollouts, rollouts.length === 0 ? 'there was none yet' : renderHistory(rollouts))
    return exit.ok
  })
  command('rollout start', 'go on: takes a pause and an abort back', (options) => say(options, '/rollout/start'))
  command(
    'rollout pause [reason...]',
    'begin no further node; one that is under way is finished or given back',
    (options, reason) =>
      say(
        options,
        `/rollout/pause?reason=${reasonOf(reason.length > 0 ? ['paused:', ...reason] : [], 'rollouts are paused')}`,
      ),
  )
  command('rollout resume', 'let rollouts go on', (options) => say(options, '/rollout/resume'))
  command('rollout abort', 'call the present release off; what is installed is finished all the same', (options) =>
    say(options, '/rollout/abort'),
  )
  command('approve [version]', 'let a release that waits for a person go on', (options, [version], extra) => {
    const query = new URLSearchParams()
    if (version !== undefined) query.set('version', version)
    if (typeof extra['losing'] === 'string') query.set('losing', extra['losing'])
    return say(options, `/rollout/approve${query.size === 0 ? '' : `?${query.toString()}`}`)
  }).option('--losing <names>', 'accept that nodes lose these extensions or kernel arguments by it (a,b)')
  command('run-now', 'open a window by hand, as for one that was missed', (options, _args, extra) =>
    say(options, `/rollout/run-now?for=${parseDuration(String(extra['for']))}`),
  ).option('--for <duration>', 'how long it is open', duration, '2h')
  command('pause <node> [reason...]', 'leave one node out of upgrades', (options, [node, ...reason]) =>
    say(options, `${of(node)}/pause?reason=${reasonOf(reason, 'no reason given')}`),
  )
  command('resume <node>', 'take a paused node in again', (options, [node]) => say(options, `${of(node)}/resume`))
  command('retry [node]', 'forget failed attempts, so that they are made anew', (options, [node]) =>
    say(options, `/rollout/retry${node === undefined ? '' : `?node=${encodeURIComponent(node)}`}`),
  )
  command(
    'rollback <node>',
    'take a node back to what it ran before, or disarm it; asks for no health',
    (options, [node], extra) => say(options, `${of(node)}/rollback${extra['force'] ? '?force=true' : ''}`),
  ).option('--force', 'although its etcd may refuse the data, or lose its quorum meanwhile')

  group('node', 'the nodes')
  command('node list', 'every node, what it runs and how it is', async (options) => {
    const { cluster } = await (await daemon(options)).get<StatusAnswer>('/status')
    print(options, cluster.nodes, renderNodes(cluster.nodes))
    return exit.ok
  })
}
