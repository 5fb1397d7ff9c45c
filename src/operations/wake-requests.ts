import { counted } from '../core/count.ts'
import { AgentError } from '../core/errors.ts'
import { describeReason } from '../core/event.ts'
import type { Asked, RequestAnswer } from '../core/operator.ts'
import { supplyOf } from '../core/power/feeds.ts'
import { failingMachines, type Machine } from '../core/power/machines.ts'
import { remembered } from './facts.ts'
import { recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob, notFound } from './running-agent.ts'

/** How long a machine may take to show that it is up, in ms. */
const answersWithin = 3_000

/** Wakes one machine, whatever is on record. */
export async function wakeMachine(means: RequestMeans, name: string, { by, signal }: Asked): Promise<RequestAnswer> {
  const { agent, ports } = means
  const { journal, waker } = ports
  const machine = agent.machines.find((one) => one.name === name)
  if (!machine) throw notFound('machine', name, agent.machines)
  demandPower(means, name)
  const open = journal.openOutage()
  if (!open && (await isUp(means, machine, signal))) return unchanged(`${name} is already up: nothing was sent to it`)
  const before = open?.nodes[name]
  // From now on it is waited for, whatever it was before.
  if (open && before) journal.saveOutage({ ...open, nodes: { ...open.nodes, [name]: { ...before, wasUp: true } } })
  if (machine.hasMac) await waker.wake(name, signal)
  else await waker.powerOn(name, signal)
  const said = `${name} was ${machine.hasMac ? 'sent a magic packet' : 'switched on'}`
  return recordChange(journal, { kind: 'power', subject: name, said }, by)
}

/** @throws AgentError `rejected` where the machine would be shut down again at once */
function demandPower({ agent }: RequestMeans, name: string): void {
  const { guard, machines } = agent
  const [failing] = failingMachines(machines, guard.power).filter((one) => one.machine.name === name)
  if (!failing || (failing.reason !== 'ordered' && isAnySilent(agent))) return
  throw new AgentError(
    'rejected',
    `${name} would be shut down again, because ${describeReason(failing.reason)}; run \`caretaker power ${failing.reason === 'ordered' ? 'wake' : 'cancel'}\` first`,
  )
}

function isUp({ ports }: RequestMeans, { name, kind }: Machine, signal: AbortSignal): Promise<boolean> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(answersWithin)])
  const asked =
    kind === 'host' ? ports.hosts.answers(name, limited) : ports.talos.version(name, limited).then(() => true)
  return asked.catch(() => false)
}

/** Wakes what the outage on record has shut down; with `all` also what was off before. Withdraws an order to shut down. */
export async function wakeEverything(
  means: RequestMeans,
  { all }: { readonly all: boolean },
  { by, signal }: Asked,
): Promise<RequestAnswer> {
  const { agent, ports } = means
  const { journal } = ports
  const withdrawn = agent.guard.order(undefined)
  const record = (said: string) => recordChange(journal, { kind: 'power', said }, by)
  const open = journal.openOutage()
  if (!open) {
    if (withdrawn) return record('the shutdown request is cancelled before anything went down')
    throw new AgentError('rejected', 'no outage is open: name the machine to wake')
  }
  if (all) {
    const nodes = Object.entries(open.nodes).map(([name, node]) => [name, { ...node, wasUp: true }] as const)
    journal.saveOutage({ ...open, nodes: Object.fromEntries(nodes) })
  }
  remembered.wakeNow.remember(journal, true)
  const taken = withdrawn ? 'the shutdown request is cancelled, and ' : ''
  // The UPS can't report mains power while its server is shut down: the person sees it.
  const blind = agent.machines.filter(
    ({ name, feed }) => open.nodes[name]?.wasUp && supplyOf(feed, agent.guard.power) !== 'mains',
  )
  if (blind.length > 0 && isAnySilent(agent)) {
    const sent = await Promise.allSettled(blind.map(({ name }) => ports.waker.wake(name, signal)))
    const count = sent.filter(({ status }) => status === 'fulfilled').length
    return record(
      `${taken}magic packets were sent to ${count} of ${counted(blind.length, 'machine')}; the rest follow when the UPS reports mains power, and all are shut down again if it reports that mains power is off`,
    )
  }
  await agent.start(findJob(agent, 'wake-cluster'))
  const which = Object.values(open.nodes).every(({ wasUp }) => all || wasUp)
    ? 'every machine'
    : 'every machine that was up before'
  return record(`${taken}${which} is woken as soon as its power is back, whatever the battery charge`)
}

function isAnySilent({ guard }: RequestMeans['agent']): boolean {
  return [...guard.power.upses.keys()].some((label) => guard.silentFor(label) !== undefined)
}
