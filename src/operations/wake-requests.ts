import { setTimeout as sleep } from 'node:timers/promises'
import { agreeing, counted, listed } from '../core/count.ts'
import { describeDuration } from '../core/duration.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { describeReason } from '../core/event.ts'
import type { Asked } from '../core/operator.ts'
import type { RequestAnswer } from '../core/request-answer.ts'
import { supplyOf } from '../core/power/feeds.ts'
import { failingMachines, type Machine } from '../core/power/machines.ts'
import type { CriticalReason } from '../core/power/triggers.ts'
import { remembered } from './facts.ts'
import { recordChange, type RequestMeans, unchanged } from './request.ts'
import { findJob, notFound } from './running-agent.ts'

/** How long a machine may take to show that it is up, in ms. */
const answersWithin = 3_000
/** How long packets, or the machine's own way, may take once it is its turn, in ms. */
const sendsWithin = 30_000

/** Wakes one machine, whatever is on record. */
export async function wakeMachine(means: RequestMeans, name: string, { by, signal }: Asked): Promise<RequestAnswer> {
  const { agent, ports } = means
  const { journal } = ports
  const machine = agent.machines.find((one) => one.name === name)
  if (!machine) throw notFound('machine', name, agent.machines)
  demandPower(means, name)
  const open = journal.openOutage()
  if (!open && (await isUp(means, machine, signal))) return unchanged(`${name} is already up: nothing was sent to it`)
  const before = open?.nodes[name]
  // From now on it is waited for, whatever it was before.
  if (open && before) journal.saveOutage({ ...open, nodes: { ...open.nodes, [name]: { ...before, wasUp: true } } })
  const sent = machine.hasMac ? 'sent a magic packet' : 'switched on'
  const turn = await switchOnInTurn(means, machine, signal)
  const said =
    turn === 0
      ? `${name} was ${sent}`
      : `${name} is ${sent} in ${describeDuration(turn)}: machines are woken one after the other (power.wake.stagger)`
  return recordChange(journal, { kind: 'power', subject: name, said }, by)
}

/**
 * Switches a machine on when it is its turn: at once, or later, after this has answered in how many ms. One whose power
 * fails until then, or that a person wants down, stays off.
 */
async function switchOnInTurn(means: RequestMeans, machine: Machine, signal: AbortSignal): Promise<number> {
  const { agent, ports } = means
  const { name, hasMac } = machine
  const send = (limited: AbortSignal) => (hasMac ? ports.waker.wake(name, limited) : ports.waker.powerOn(name, limited))
  const turn = await ports.waker.turnIn(name, signal)
  if (turn === 0) await send(signal)
  else
    agent.goOn(async (stopping) => {
      await sleep(turn, undefined, { signal: stopping, ref: false })
      const isOnBattery = !isAnySilent(agent) && supplyOf(machine.feed, agent.guard.power) === 'battery'
      if (whyNotNow(agent, name) !== undefined || isOnBattery)
        failed(means, machine, new AgentError('rejected', 'mains power is off'))
      else
        await send(AbortSignal.any([stopping, AbortSignal.timeout(sendsWithin)])).catch((error: unknown) =>
          failed(means, machine, error),
        )
    })
  return turn
}

/** @throws AgentError `rejected` where the machine would be shut down again at once */
function demandPower({ agent }: RequestMeans, name: string): void {
  const reason = whyNotNow(agent, name)
  if (reason === undefined) return
  throw new AgentError(
    'rejected',
    `${name} would be shut down again, because ${describeReason(reason)}; run \`caretaker power ${reason === 'ordered' ? 'wake' : 'cancel'}\` first`,
  )
}

/** Why the machine would be shut down again at once, if it would. */
function whyNotNow({ guard, machines }: RequestMeans['agent'], name: string): CriticalReason | undefined {
  const failing = failingMachines(machines, guard.power).find((one) => one.machine.name === name)
  return failing?.reason === 'ordered' || !isAnySilent({ guard }) ? failing?.reason : undefined
}

function isUp({ ports }: RequestMeans, { name, kind }: Machine, signal: AbortSignal): Promise<boolean> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(answersWithin)])
  const asked =
    kind === 'host' ? ports.hosts.answers(name, limited) : ports.talos.version(name, limited).then(() => true)
  return asked.catch(() => false)
}

/** @param isUnknown the journal was lost, and nobody knows what was up before */
function describeLeft(names: readonly string[], isUnknown: boolean): string {
  const was = isUnknown
    ? `with the journal it is lost whether ${listed(names)} ${agreeing(names, 'was', 'were')} up before, and ${agreeing(names, 'it stays', 'they stay')} off`
    : `${listed(names)} ${agreeing(names, 'was', 'were')} off before, and ${agreeing(names, 'stays', 'stay')} off`
  return `${was}: wake ${agreeing(names, 'it', 'them')} too with \`caretaker power wake --all\``
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
  const left = all ? [] : Object.keys(open.nodes).filter((name) => open.nodes[name]?.wasUp === false)
  const isUnknown = remembered.lost.recall(journal) !== undefined
  const hint = left.length === 0 ? '' : `; ${describeLeft(left, isUnknown)}`
  const taken = withdrawn ? 'the shutdown request is cancelled, and ' : ''
  // The UPS can't report mains power while its server is shut down: the person sees it.
  const blind = agent.machines.filter(
    ({ name, feed }) => open.nodes[name]?.wasUp && supplyOf(feed, agent.guard.power) !== 'mains',
  )
  if (blind.length > 0 && isAnySilent(agent)) {
    return record(`${taken}${await switchOnBlindly(means, blind, signal)}${hint}`)
  }
  await agent.start(findJob(agent, 'wake-cluster'))
  const which = left.length === 0 ? 'every machine' : 'every machine that was up before'
  return record(`${taken}${which} is woken as soon as its power is back, whatever the battery charge${hint}`)
}

/** Machines of which the UPS can't say that they have power, because it is silent: a person says so. */
async function switchOnBlindly(means: RequestMeans, blind: readonly Machine[], signal: AbortSignal): Promise<string> {
  // Nodes boot and mount from a NAS.
  const inOrder = [...blind].toSorted((a, b) => Number(b.tier === 'nas') - Number(a.tier === 'nas'))
  const turns: number[] = []
  // One after the other, so that turns are given in this order.
  for (const machine of inOrder)
    turns.push(await switchOnInTurn(means, machine, signal).catch((error: unknown) => failed(means, machine, error)))
  const now = turns.filter((turn) => turn === 0).length
  const last = Math.max(...turns.filter((turn) => Number.isFinite(turn)), 0)
  const later = turns.filter((turn) => turn > 0 && Number.isFinite(turn)).length
  const follow =
    later === 0
      ? ''
      : `, and ${counted(later, 'more', 'more')} follow within ${describeDuration(last)} (power.wake.stagger)`
  return `magic packets were sent to ${now} of ${counted(blind.length, 'machine')}${follow}; the rest are woken when the UPS reports mains power, and all are shut down again if it reports that mains power is off`
}

/** Notes that a machine could not be woken. Its turn never comes. */
function failed({ ports }: RequestMeans, { name }: Machine, error: unknown): number {
  ports.journal.write({ kind: 'power', subject: name, text: `${name} was not woken: ${messageOf(error)}` })
  return Infinity
}

function isAnySilent({ guard }: Pick<RequestMeans['agent'], 'guard'>): boolean {
  return [...guard.power.upses.keys()].some((label) => guard.silentFor(label) !== undefined)
}
