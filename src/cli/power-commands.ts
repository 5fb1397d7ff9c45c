import process from 'node:process'
import type { PowerControl } from '../http/routes/power.ts'
import type { PowerAnswer, PowerPlanAnswer, SaidAnswer } from '../http/protocol.ts'
import type { Outage } from '../core/power/outage.ts'
import { reversiblePhases } from '../core/power/phases.ts'
import { renderDrill, renderOutages, renderPower, renderPowerPlan } from './render-power.ts'
import { command, daemon, exit, group, print } from './shell.ts'

type DrillAnswer = Awaited<ReturnType<PowerControl['drill']>>

/** Everything that a person asks of the power, or says to it. */
export function addPowerCommands(): void {
  group('power', 'the power: how it is, what happens when it fails, and what a person says to that')
  command('power status', 'how the power is, what would start a shutdown, and what is under way', async (options) => {
    const control = await daemon(options)
    const [power, outages] = await Promise.all([control.get<PowerAnswer>('/power'), control.get<Outage[]>('/outages')])
    print(options, { power, outages }, renderPower(power, outages))
    return power.upses.some(({ state }) => state.mode === 'unknown') ? exit.unreachable : exit.ok
  })
  command('power plan', 'what a shutdown would do now, drawn against what the battery has', async (options) => {
    const plan = await (await daemon(options)).get<PowerPlanAnswer>('/power/plan')
    print(options, plan, renderPowerPlan(plan))
    return plan.form === 'ordered' ? exit.ok : exit.waiting
  })
  command('power history', 'the outages so far, machine by machine', async (options) => {
    const outages = await (await daemon(options)).get<Outage[]>('/outages')
    print(options, outages, renderOutages(outages))
    return exit.ok
  })
  command('power shutdown', 'shut everything down in order, although mains is there', async (options, _, extra) => {
    const control = await daemon(options)
    if (extra['now'] && extra['yes']) {
      const answer = await control.post<SaidAnswer>('/power/shutdown')
      print(options, answer, answer.said)
      return exit.ok
    }
    const plan = await control.get<PowerPlanAnswer>('/power/plan')
    print(options, plan, renderPowerPlan(plan))
    process.stderr.write('caretaker: nothing was done; add --now --yes to shut everything down\n')
    return exit.usage
  })
    .option('--now', 'at once')
    .option('--yes', 'without asking')
  command('power cancel', 'call off the shutdown that is under way or about to begin', async (options) => {
    const answer = await (await daemon(options)).post<SaidAnswer>('/power/cancel')
    print(options, answer, answer.said)
    return exit.ok
  })
  command(
    'power wake [machine]',
    'bring back what went down; or one machine, whatever is on record',
    async (options, [machine], extra) => {
      const query = new URLSearchParams({
        ...(machine === undefined ? {} : { machine }),
        ...(extra['all'] ? { all: 'true' } : {}),
      })
      const answer = await (await daemon(options)).post<SaidAnswer>(`/power/wake?${query.toString()}`)
      print(options, answer, answer.said)
      return exit.ok
    },
  ).option('--all', 'those too that were off before')

  group('drill', 'rehearsals')
  command(
    'drill power',
    'rehearse a power cut: drain for real, ask whether the rest would work, undo it',
    async (options, _, extra) => {
      const dryRun = Boolean(extra['dryRun'])
      if (!dryRun && !extra['yes']) {
        process.stderr.write(
          'caretaker: this cordons and drains every node, and then takes it back: workloads stop meanwhile. Add --yes, or --dry-run to ask only\n',
        )
        return exit.usage
      }
      const until = extra['until'] as string | undefined
      const query = new URLSearchParams({ ...(dryRun ? { 'dry-run': 'true' } : {}), ...(until ? { until } : {}) })
      const { run, report } = await (await daemon(options)).post<DrillAnswer>(`/power/drill?${query.toString()}`)
      print(options, { run, report }, renderDrill(run, report))
      if (run.outcome !== 'done') return run.outcome === 'later' ? exit.waiting : exit.failed
      const isGood =
        report?.checks.every(({ ok }) => ok) && (report.walked ?? []).every(({ failed }) => failed.length === 0)
      return isGood ? exit.ok : exit.failed
    },
  )
    .option('--dry-run', 'ask only, and change nothing')
    .option('--until <phase>', `no further than this phase: ${reversiblePhases.join(', ')}`)
    .option('--yes', 'really do it')
}
