import process from 'node:process'
import { reversiblePhases } from '../core/power/phases.ts'
import { ask, command, exit, group, type Options, print, say } from './shell.ts'

const rendering = () => import('./render-power.ts')

/** Everything that a person asks or requests of the power. */
export function addPowerCommands(): void {
  group('power', 'the power: how it is, what happens when it fails, and what a person says to that')
  addQuestions()
  addRequests()
  group('drill', 'rehearsals')
  command('drill power', 'rehearse a power cut: drain for real, ask whether the rest would work, undo it', drill)
    .option('--dry-run', 'ask only, and change nothing')
    .option('--until <phase>', `no further than this phase: ${reversiblePhases.join(', ')}`)
    .option('--yes', 'really do it')
}

function addQuestions(): void {
  command('power status', 'how the power is, what would start a shutdown, and what is under way', async (options) => {
    const [power, outages] = await Promise.all([
      ask(options, (daemon) => daemon.power.$get()),
      ask(options, (daemon) => daemon.outages.$get()),
    ])
    await print(options, { power, outages }, async () => (await rendering()).renderPower(power, outages))
    return power.upses.some(({ state }) => state.mode === 'unknown') ? exit.unreachable : exit.ok
  })
  command('power plan', 'what a shutdown would do now, drawn against what the battery has', async (options) => {
    const plan = await ask(options, (daemon) => daemon.power.plan.$get())
    await print(options, plan, async () => (await rendering()).renderPowerPlan(plan))
    return plan.form === 'ordered' ? exit.ok : exit.waiting
  })
  command('power history', 'the outages so far, machine by machine', async (options) => {
    const outages = await ask(options, (daemon) => daemon.outages.$get())
    await print(options, outages, async () => (await rendering()).renderOutages(outages))
    return exit.ok
  })
}

function addRequests(): void {
  command('power shutdown', 'shut everything down in order, although mains is there', async (options, _, extra) => {
    if (extra['now'] && extra['yes']) return say(options, (daemon) => daemon.power.shutdown.$post())
    const plan = await ask(options, (daemon) => daemon.power.plan.$get())
    await print(options, plan, async () => (await rendering()).renderPowerPlan(plan))
    process.stderr.write('caretaker: nothing was done; add --now --yes to shut everything down\n')
    return exit.usage
  })
    .option('--now', 'at once')
    .option('--yes', 'without asking')
  command('power cancel', 'call off the shutdown that is under way or about to begin', (options) =>
    say(options, (daemon) => daemon.power.cancel.$post()),
  )
  command(
    'power wake [machine]',
    'bring back what went down; or one machine, whatever is on record',
    (options, [machine], extra) => {
      const request = { ...(machine === undefined ? {} : { machine }), all: extra['all'] === true }
      return say(options, (daemon) => daemon.power.wake.$post({ json: request }))
    },
  ).option('--all', 'those too that were off before')
}

async function drill(
  options: Options,
  _args: readonly string[],
  extra: Readonly<Record<string, unknown>>,
): Promise<number> {
  const dryRun = Boolean(extra['dryRun'])
  if (!dryRun && !extra['yes']) {
    process.stderr.write(
      'caretaker: this cordons and drains every node, and then takes it back: workloads stop meanwhile. Add --yes, or --dry-run to ask only\n',
    )
    return exit.usage
  }
  const until = typeof extra['until'] === 'string' ? { until: extra['until'] } : {}
  const answer = await ask(options, (daemon) => daemon.power.drill.$post({ json: { dryRun, ...until } }))
  const { run, report } = answer
  await print(options, answer, async () => (await rendering()).renderDrill(run, report))
  if (run.outcome !== 'done') return run.outcome === 'later' ? exit.waiting : exit.failed
  const isGood =
    report?.checks.every(({ ok }) => ok) && (report.walked ?? []).every(({ failed }) => failed.length === 0)
  return isGood ? exit.ok : exit.failed
}
