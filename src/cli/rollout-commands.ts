import { Option } from 'commander'
import { demandYes } from './confirm.ts'
import { codeOfPlan } from './outcome.ts'
import { ask, command, duration, exit, group, print, say } from './shell.ts'

const rendering = () => import('./render-rollout.ts')

/** The words of a reason as one text, if there are any. */
const reasonOf = (words: readonly string[]) => (words.length === 0 ? {} : { reason: words.join(' ') })
const named = (node: string | undefined) => ({ param: { name: encodeURIComponent(node!) } })

/** The commands about rollouts and nodes. */
export function addRolloutCommands(): void {
  group('rollout', 'rollout progress and requests')
  addQuestions()
  addRequests()
  addNodeCommands()
}

function addQuestions(): void {
  command('rollout status', 'progress of the rollout, what it waits for, and pending requests', async (options) => {
    const answer = await ask(options, (daemon) => daemon.rollout.$get())
    await print(options, answer, async (zone) => (await rendering()).renderRollout(answer, await zone()))
    return codeOfPlan(answer.plan)
  })
  command('rollout history', 'past rollouts, node by node, with durations', async (options) => {
    const { items: rollouts } = await ask(options, (daemon) => daemon.rollouts.$get({ query: { limit: '50' } }))
    await print(options, rollouts, async (zone) =>
      rollouts.length === 0 ? 'no rollouts yet' : (await rendering()).renderHistory(rollouts, await zone()),
    )
    return exit.ok
  })
}

function addRequests(): void {
  command('rollout start', 'continue: undo a pause, an abort and rollback requests', (options) =>
    say(options, (daemon) => daemon.rollout.start.$post()),
  )
  command(
    'rollout pause [reason...]',
    'start no further node; the one in progress is finished or uncordoned',
    (options, words) => say(options, (daemon) => daemon.rollout.pause.$post({ json: reasonOf(words) })),
  )
  command('rollout resume', 'resume a paused rollout', (options) =>
    say(options, (daemon) => daemon.rollout.resume.$post()),
  )
  command(
    'rollout abort [version]',
    'abort the rollout that is under way or coming; nodes that have it installed still finish',
    (options, [version]) =>
      say(options, (daemon) => daemon.rollout.abort.$post({ json: version === undefined ? {} : { version } })),
  )
  command('approve [version]', 'approve a release that waits for approval', (options, [version], extra) => {
    const losing = typeof extra['losing'] === 'string' ? { losing: extra['losing'].split(',') } : {}
    return say(options, (daemon) =>
      daemon.rollout.approve.$post({ json: { ...(version === undefined ? {} : { version }), ...losing } }),
    )
  }).option('--losing <names>', 'extensions or kernel arguments that nodes may lose (a,b)')
  command('run-now', 'open an upgrade window now', (options, _args, extra) =>
    say(options, (daemon) => daemon.rollout['run-now'].$post({ json: { lastsMs: Number(extra['for']) } })),
  ).addOption(new Option('--for <duration>', 'how long it stays open').argParser(duration).default(2 * 3_600_000, '2h'))
}

function addNodeCommands(): void {
  command('pause <node> [reason...]', 'exclude a node from upgrades', (options, [node, ...reason]) =>
    say(options, (daemon) => daemon.nodes[':name'].pause.$post({ ...named(node), json: reasonOf(reason) })),
  )
  command('resume <node>', 'include a paused node again', (options, [node]) =>
    say(options, (daemon) => daemon.nodes[':name'].resume.$post(named(node))),
  )
  command('retry [node]', 'clear failed attempts and try again', (options, [node]) =>
    say(options, (daemon) => daemon.rollout.retry.$post({ json: node === undefined ? {} : { node } })),
  )
  command(
    'rollback <node>',
    'roll a node back to its previous release, or disarm it, healthy or not',
    async (options, [node], extra) => {
      const question = `Roll ${node} back? It is drained and rebooted into its previous release, and its rollout is aborted`
      await demandYes(extra, { question, hint: `add --yes to roll ${node} back` })
      return say(options, (daemon) =>
        daemon.nodes[':name'].rollback.$post({ ...named(node), json: { force: extra['force'] === true } }),
      )
    },
  )
    .option('--force', 'even if etcd may not read its data, or loses quorum meanwhile')
    .option('--yes', 'confirm')

  group('node', 'nodes')
  command('node list', 'all nodes, with release and health', async (options) => {
    const nodes = await ask(options, (daemon) => daemon.nodes.$get())
    await print(options, nodes, async () => (await import('./render.ts')).renderNodes(nodes))
    return exit.ok
  })
}
