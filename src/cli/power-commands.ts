import { Option } from 'commander'
import { reversiblePhases } from '../core/power/reversible.ts'
import type { Outage } from '../core/power/outage.ts'
import { demandYes } from './confirm.ts'
import { codeOfRun } from './outcome.ts'
import { output } from './output.ts'
import { progressOf, whileItRuns } from './waiting.ts'
import { ask, command, exit, group, type Options, print, say } from './shell.ts'

const rendering = () => import('./render-power.ts')

/** The commands about the power. */
export function addPowerCommands(): void {
  group('power', 'power state, shutdown plan and requests')
  addQuestions()
  addRequests()
  group('drill', 'rehearsals')
  command('drill power', 'rehearse a power cut: drain the nodes, check that the rest would work, undo it', drill)
    .option('--dry-run', 'only check, change nothing')
    .addOption(new Option('--until <phase>', 'stop after this phase').choices(reversiblePhases))
    .option('--yes', 'confirm')
}

function addQuestions(): void {
  command('power status', 'the power, what would start a shutdown, and any shutdown in progress', async (options) => {
    const [power, outages] = await Promise.all([ask(options, (daemon) => daemon.power.$get()), readOutages(options)])
    await print(options, { power, outages }, async (zone) =>
      (await rendering()).renderPower(power, outages, await zone()),
    )
    return power.upses.some(({ state }) => state.mode === 'unknown') ? exit.unreachable : exit.ok
  })
  command('power plan', 'what a shutdown would do now, against the runtime of the battery', async (options) => {
    const plan = await ask(options, (daemon) => daemon.power.plan.$get())
    await print(options, plan, async () => (await rendering()).renderPowerPlan(plan))
    return plan.form === 'ordered' ? exit.ok : exit.waiting
  })
  command('power history', 'past outages, machine by machine', async (options) => {
    const outages = await readOutages(options)
    await print(options, outages, async (zone) => (await rendering()).renderOutages(outages, await zone()))
    return exit.ok
  })
}

/** The newest, as many as are shown. */
async function readOutages(options: Options): Promise<readonly Outage[]> {
  return (await ask(options, (daemon) => daemon.outages.$get({ query: { limit: '20' } }))).items
}

function addRequests(): void {
  command('power shutdown', 'shut everything down in order, even on mains power', async (options, _, extra) => {
    const request = () => say(options, (daemon) => daemon.power.shutdown.$post())
    if (extra['now'] && extra['yes']) return request()
    // As JSON there is one answer: the plan, or what the request came to.
    if (!extra['now'] || !options.json) {
      const plan = await ask(options, (daemon) => daemon.power.plan.$get())
      await print(options, plan, async () => (await rendering()).renderPowerPlan(plan))
    }
    if (!extra['now']) {
      output.note(`caretaker: nothing done; ${everythingDown}`)
      return exit.usage
    }
    await demandYes(extra, {
      question: 'Shut everything down now? It stays down until `caretaker power wake`.',
      hint: everythingDown,
    })
    return request()
  })
    .option('--now', 'start now')
    .option('--yes', 'confirm')
  command('power cancel', 'cancel a shutdown that is in progress or about to start', (options) =>
    say(options, (daemon) => daemon.power.cancel.$post()),
  )
  command(
    'power wake [machine]',
    'wake what was shut down; or one machine, shut down by Caretaker or not',
    (options, [machine], extra) => {
      const request = { ...(machine === undefined ? {} : { machine }), all: extra['all'] === true }
      return say(options, (daemon) => daemon.power.wake.$post({ json: request }))
    },
  ).option('--all', 'also wake machines that were off before')
}

const everythingDown = 'add --now --yes to shut everything down'

const drilling = {
  question: 'Rehearse a power cut? Every node is cordoned and drained, then it is undone; workloads stop meanwhile.',
  hint: 'add --yes to rehearse it, or --dry-run to only check; a rehearsal cordons and drains every node, then undoes it',
}

async function drill(
  options: Options,
  _args: readonly string[],
  extra: Readonly<Record<string, unknown>>,
): Promise<number> {
  const dryRun = Boolean(extra['dryRun'])
  if (!dryRun) await demandYes(extra, drilling)
  const until = reversiblePhases.find((phase) => phase === extra['until'])
  const goesOn = dryRun
    ? 'the check is cancelled: nothing was changed'
    : 'the rehearsal goes on: follow it with `caretaker status`, end it with `caretaker power cancel`'
  const json = { dryRun, ...(until === undefined ? {} : { until }) }
  const answer = await whileItRuns(
    goesOn,
    () => ask(options, (daemon) => daemon.power.drill.$post({ json })),
    await progressOf(options, 'drill-power'),
  )
  const { run, report } = answer
  await print(options, answer, async () => (await rendering()).renderDrill(run, report))
  if (run.outcome !== 'done') return codeOfRun(run)
  const isGood =
    report?.checks.every(({ ok }) => ok) && (report.walked ?? []).every(({ failed }) => failed.length === 0)
  return isGood ? exit.ok : exit.failed
}
