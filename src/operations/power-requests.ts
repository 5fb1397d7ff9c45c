import type { Agent } from '../agent.ts'
import type { Config } from '../config/config.ts'
import type { PowerControl } from '../http/routes/power.ts'
import type { PowerAnswer, RunAnswer, SaidAnswer } from '../http/protocol.ts'
import { planNow, rehearse } from './rehearse.ts'
import { AgentError } from '../core/errors.ts'
import { describeReason } from '../core/event.ts'
import type { Job } from './job.ts'
import { supplyOf } from '../core/power/feeds.ts'
import { failingMachines } from '../core/power/machines.ts'
import { isReversiblePhase, reversiblePhases } from '../core/power/phases.ts'
import type { Ports } from '../core/ports.ts'
import { remembered } from './facts.ts'
import { triggersOf } from '../core/power/triggers.ts'

export interface PowerControlOptions {
  readonly agent: Agent
  readonly ports: Ports
  readonly config: Config
  readonly jobNamed: (name: string) => Job
  readonly loginRefused: (label: string) => string | undefined
  readonly run: (name: string, options: { wait: boolean; signal: AbortSignal }) => Promise<RunAnswer>
}

/** What a person may ask of the power, and say to it. */
export function createPowerControl({
  agent,
  ports,
  config,
  jobNamed,
  loginRefused,
  run,
}: PowerControlOptions): PowerControl {
  const { journal, waker } = ports
  const { guard } = agent
  const { machines } = agent
  const look = () => agent.preview(jobNamed('shut-down-cluster'), new AbortController().signal)

  function said(text: string): SaidAnswer {
    journal.write({ kind: 'power', text })
    return { said: text }
  }
  function known(name: string): string {
    if (machines.some((machine) => machine.name === name)) return name
    const names = machines.map((machine) => machine.name).join(', ')
    throw new AgentError('misconfigured', `there is no machine ${name} in the configuration; there are ${names}`)
  }

  return {
    power: (): PowerAnswer => ({
      upses: [...guard.power.upses].map(([label, state]) => ({
        label,
        state,
        lasts: agent.monotonic() - state.since,
        loginRefused: loginRefused(label),
        silentFor: guard.silentFor(label),
        triggers: triggersOf('reading' in state ? state.reading : undefined, config.power),
      })),
      ordered: guard.power.ordered,
    }),
    plan: () => {
      const { plan, timeline, left, runtime, needs } = planNow(look(), journal.openOutage())
      const known = left.ms === Infinity ? runtime : left.ms
      return { form: plan.form, reason: plan.reason, left: known ?? null, needs, timeline }
    },
    outages: () => journal.outages(20),
    shutDown: async () => {
      if (!guard.order(new Date().toISOString()))
        throw new AgentError('rejected', 'it is ordered already: see `caretaker power status`')
      return said(
        'everything is going down now, as ordered: `caretaker power status` shows how far it is; it stays down until `caretaker power wake`',
      )
    },
    cancel: async () => {
      const isWithdrawn = guard.order(undefined)
      const calledOff = failingMachines(machines, guard.power).length > 0 ? guard.callOff() : []
      if (!isWithdrawn && calledOff.length === 0)
        throw new AgentError('rejected', 'no shutdown is under way or about to begin')
      const off = `called off by hand for ${calledOff.join(', ')}: nothing further goes down until something graver comes; mains brings back what is down`
      if (!isWithdrawn) return said(off)
      const back = 'the order is withdrawn: nothing further goes down, and what is down comes back'
      return said(calledOff.length > 0 ? `the order is withdrawn, and the shutdown is ${off}` : back)
    },
    wake: async (machine, { all, signal }) => {
      if (machine !== undefined) {
        const name = known(machine)
        const [failing] = failingMachines(machines, guard.power).filter((one) => one.machine.name === name)
        const isHeard = [...guard.power.upses.keys()].every((label) => guard.silentFor(label) === undefined)
        if (failing && (failing.reason === 'ordered' || isHeard))
          throw new AgentError(
            'rejected',
            `${name} would be shut down again, because ${describeReason(failing.reason)}; \`caretaker power ${failing.reason === 'ordered' ? 'wake' : 'cancel'}\` comes first`,
          )
        const open = journal.openOutage()
        const before = open?.nodes[name]
        // From now on it is waited for, whatever it was before.
        if (open && before)
          journal.saveOutage({ ...open, nodes: { ...open.nodes, [name]: { ...before, wasUp: true } } })
        const has = machines.find((one) => one.name === name)!
        if (has.hasMac) await waker.wake(name, signal)
        else await waker.powerOn(name, signal)
        return said(`${name} was ${has.hasMac ? 'sent a magic packet' : 'switched on'}`)
      }
      const withdrawn = guard.order(undefined)
      const open = journal.openOutage()
      if (!open) throw new AgentError('rejected', 'no outage is on record: name the machine that is to be woken')
      if (all) {
        const nodes = Object.entries(open.nodes).map(([name, node]) => [name, { ...node, wasUp: true }] as const)
        journal.saveOutage({ ...open, nodes: Object.fromEntries(nodes) })
      }
      remembered.wakeNow.remember(journal, true)
      const taken = withdrawn ? 'the order is withdrawn, and ' : ''
      // Whether mains is back can't be told where its server is what was shut down: a person sees it.
      const blind = machines.filter(
        ({ name, feed }) => open.nodes[name]?.wasUp && supplyOf(feed, guard.power) !== 'mains',
      )
      const silent = [...guard.power.upses.keys()].some((label) => guard.silentFor(label) !== undefined)
      if (blind.length > 0 && silent) {
        const sent = await Promise.allSettled(blind.map(({ name }) => waker.wake(name, signal)))
        const count = sent.filter(({ status }) => status === 'fulfilled').length
        return said(
          `${taken}magic packets were sent to ${count} of ${blind.length} machines; the rest follows when the UPS tells that mains is back, and if it tells that it is not they are shut down again`,
        )
      }
      await agent.start(jobNamed('wake-cluster'))
      return said(`${taken}everything is woken as soon as its power is there, whatever the battery's charge`)
    },
    drill: async ({ dryRun, until, signal }) => {
      if (until !== undefined && !isReversiblePhase(until))
        throw new AgentError(
          'misconfigured',
          `${until} is no phase that can be rehearsed; there are ${reversiblePhases.join(', ')}`,
        )
      if (dryRun) {
        const report = await rehearse({ ...look(), signal })
        remembered.drill.remember(journal, report)
        return { run: { outcome: 'done', detail: 'asked everything, and did nothing' }, report }
      }
      remembered.drillRequest.remember(journal, until === undefined ? {} : { until })
      const answer = await run('drill-power', { wait: true, signal })
      // What can't begin now is not to begin by itself when nobody thinks of it any more.
      if (answer.outcome === 'later') remembered.drillRequest.remember(journal, undefined)
      return { run: answer, report: remembered.drill.recall(journal) }
    },
  }
}
