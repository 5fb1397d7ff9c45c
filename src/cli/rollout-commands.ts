import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/duration.ts'
import { ask, command, exit, group, print, say } from './shell.ts'

const rendering = () => import('./render-rollout.ts')

const duration = (text: string): string => {
  if (parseDuration(text) === undefined) throw new InvalidArgumentError('use a duration such as 30m or 2h')
  return text
}

/** Words of a reason as one text; nothing where there are none. */
const reasonOf = (words: readonly string[]) => (words.length === 0 ? {} : { reason: words.join(' ') })
const named = (node: string | undefined) => ({ param: { name: encodeURIComponent(node!) } })

/** Everything that a person asks or requests of rollouts. */
export function addRolloutCommands(): void {
  group('rollout', 'rollouts: how they go, and what a person says to them')
  addQuestions()
  addRequests()
  addNodeCommands()
}

function addQuestions(): void {
  command('rollout status', 'how the rollout goes, what it waits for, and what it may be told', async (options) => {
    const answer = await ask(options, (daemon) => daemon.rollout.$get())
    await print(options, answer, async () => (await rendering()).renderRollout(answer))
    const { kind } = answer.plan.decision
    return { wait: exit.waiting, stuck: exit.failed, go: exit.ok, upgraded: exit.ok }[kind]
  })
  command('rollout history', 'the rollouts so far, node by node, with how long everything took', async (options) => {
    const rollouts = await ask(options, (daemon) => daemon.rollouts.$get())
    await print(options, rollouts, async () =>
      rollouts.length === 0 ? 'there was none yet' : (await rendering()).renderHistory(rollouts),
    )
    return exit.ok
  })
}

function addRequests(): void {
  command('rollout start', 'go on: takes a pause and an abort back', (options) =>
    say(options, (daemon) => daemon.rollout.start.$post()),
  )
  command(
    'rollout pause [reason...]',
    'begin no further node; one that is under way is finished or given back',
    (options, words) => say(options, (daemon) => daemon.rollout.pause.$post({ json: reasonOf(words) })),
  )
  command('rollout resume', 'let rollouts go on', (options) => say(options, (daemon) => daemon.rollout.resume.$post()))
  command('rollout abort', 'call the present release off; what is installed is finished all the same', (options) =>
    say(options, (daemon) => daemon.rollout.abort.$post()),
  )
  command('approve [version]', 'let a release that waits for a person go on', (options, [version], extra) => {
    const losing = typeof extra['losing'] === 'string' ? { losing: extra['losing'].split(',') } : {}
    return say(options, (daemon) =>
      daemon.rollout.approve.$post({ json: { ...(version === undefined ? {} : { version }), ...losing } }),
    )
  }).option('--losing <names>', 'accept that nodes lose these extensions or kernel arguments by it (a,b)')
  command('run-now', 'open a window by hand, as for one that was missed', (options, _args, extra) =>
    say(options, (daemon) =>
      daemon.rollout['run-now'].$post({ json: { lasts: parseDuration(String(extra['for']))! } }),
    ),
  ).option('--for <duration>', 'how long it is open', duration, '2h')
}

function addNodeCommands(): void {
  command('pause <node> [reason...]', 'leave one node out of upgrades', (options, [node, ...reason]) =>
    say(options, (daemon) => daemon.nodes[':name'].pause.$post({ ...named(node), json: reasonOf(reason) })),
  )
  command('resume <node>', 'take a paused node in again', (options, [node]) =>
    say(options, (daemon) => daemon.nodes[':name'].resume.$post(named(node))),
  )
  command('retry [node]', 'forget failed attempts, so that they are made anew', (options, [node]) =>
    say(options, (daemon) => daemon.rollout.retry.$post({ json: node === undefined ? {} : { node } })),
  )
  command(
    'rollback <node>',
    'take a node back to what it ran before, or disarm it; asks for no health',
    (options, [node], extra) =>
      say(options, (daemon) =>
        daemon.nodes[':name'].rollback.$post({ ...named(node), json: { force: extra['force'] === true } }),
      ),
  ).option('--force', 'although its etcd may refuse the data, or lose its quorum meanwhile')

  group('node', 'the nodes')
  command('node list', 'every node, what it runs and how it is', async (options) => {
    const { cluster } = await ask(options, (daemon) => daemon.status.$get())
    await print(options, cluster.nodes, async () => (await import('./render.ts')).renderNodes(cluster.nodes))
    return exit.ok
  })
}
