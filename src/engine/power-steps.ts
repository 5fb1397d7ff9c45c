import { whyNotReady } from '../core/cluster/cluster.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Waking } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import { blockingStorage } from '../core/cluster/storage.ts'
import type { CarryOutOptions, StepOf } from './step.ts'
import { observeNode, question } from './observe.ts'
import { until, withDeadline } from './until.ts'
import { uncordon } from './upgrade-steps.ts'

export function shutDown(step: StepOf<'shut-down'>, { talos }: Ports, options: CarryOutOptions): Promise<void> {
  const { node, force, within } = step
  let mayHaveArrived = false
  return giveOrder(node, within, options, async (limited) => {
    // A shutdown that is requested again restarts its sequence, so one whose answer was lost is looked for first.
    if (mayHaveArrived) {
      const stage = await withDeadline(question, limited, (soon) => talos.activity(node, soon)).then(
        (activity) => activity.stage,
        (error: unknown) => {
          // A node that does not say what it does, and answers, takes an order all the same.
          if (error instanceof AgentError && !error.retryable) return undefined
          throw error
        },
      )
      if (stage === 'shutting down') return
    }
    mayHaveArrived = true
    await withDeadline(question, limited, (soon) => talos.shutDown(node, { force }, soon))
  })
}

/** A host is shut down in its own way, with its own timeouts. */
export function shutDownHost(
  step: StepOf<'shut-down-host'>,
  { hosts }: Ports,
  options: CarryOutOptions,
): Promise<void> {
  return giveOrder(step.host, step.within, options, (limited) => hosts.shutDown(step.host, limited))
}

/** Down means silent. A node that keeps answering is reported with its phase: it may hang. */
export function awaitDown(step: StepOf<'await-down'>, { talos }: Ports, options: CarryOutOptions): Promise<void> {
  const { node, within } = step
  const slowAt = performance.now() + within / 2
  const answers = (soon: AbortSignal) =>
    talos.version(node, soon).then(
      () => true,
      (error: unknown) => error instanceof AgentError && !error.retryable,
    )
  const describe = async (soon: AbortSignal) => {
    if (performance.now() < slowAt) return undefined
    const { stage, phase } = await talos.activity(node, soon)
    return phase === undefined ? `it is ${stage}` : `it is ${stage}, in the phase ${phase}`
  }
  return awaitSilence({ machine: node, within, answers, describe }, options)
}

export function awaitHostDown(
  step: StepOf<'await-host-down'>,
  { hosts }: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const { host, within } = step
  return awaitSilence({ machine: host, within, answers: (soon) => hosts.answers(host, soon) }, options)
}

/**
 * A machine that doesn't take the call is asked again until its time is up: the network may blink. One that can't be
 * reached twice is off, booting or cut off; it counts as unreached, and is observed again after the plan.
 */
function giveOrder(
  machine: string,
  within: number,
  { signal, pollEvery }: CarryOutOptions,
  order: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let refusals = 0
  const wait = { within, pollEvery: Math.min(pollEvery, 500), signal }
  return until(`${machine} to accept the shutdown`, wait, async (limited) => {
    try {
      await order(limited)
      return true
    } catch (error) {
      refusals = error instanceof AgentError && error.code === 'unreachable' ? refusals + 1 : 0
      if (refusals >= 2) throw new AgentError('rejected', `it can't be reached (${messageOf(error)})`)
      throw error
    }
  })
}

interface Silence {
  readonly machine: string
  /** In ms. */
  readonly within: number
  readonly answers: (signal: AbortSignal) => Promise<boolean>
  /** What it does while it answers. */
  readonly describe?: (signal: AbortSignal) => Promise<string | undefined>
}

/** Down is what fails to answer twice in a row. */
function awaitSilence(
  { machine, within, answers, describe = async () => undefined }: Silence,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let silences = 0
  let doing: string | undefined
  const wait = { within, pollEvery: Math.min(pollEvery, 500), signal }
  return until(`${machine} to be down`, wait, async (limited) => {
    const isUp = await withDeadline(question, limited, answers).catch((error: unknown) => {
      // Who has not answered in time is silent.
      if (!(error instanceof AgentError) || !error.retryable) throw error
      return false
    })
    // Who was not let answer is not silent.
    if (!isUp) limited.throwIfAborted()
    silences = isUp ? 0 : silences + 1
    if (silences >= 2) return true
    if (isUp) doing = await withDeadline(question, limited, describe).catch(() => doing)
    return doing === undefined ? 'it still answers' : `it still answers: ${doing}`
  })
}

export async function bringBack(step: StepOf<'bring-back'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { node: name, afterKubernetes, ready, within } = step
  const { signal, pollEvery } = options
  const wait = { within, pollEvery, signal }
  if (afterKubernetes) {
    await until('the Kubernetes API to answer', wait, async (limited) => {
      await withDeadline(question, limited, (soon) => ports.kubernetes.version(soon))
      return true
    }).catch((error: unknown) => {
      // A control plane that does not come back is no reason to leave the workers off.
      if (signal.aborted) throw error
    })
  }
  await wake({ name, ...step }, ports, options, async (limited) => {
    const facts = await withDeadline(question, limited, (soon) => ports.talos.observe(name, soon)).catch(
      () => undefined,
    )
    // A node that is still going down answers too.
    if (facts && facts.stage !== 'shutting down') {
      // Addresses may have been given again, so that another machine answers; the one that is meant may still be off.
      const isAnother = facts.nodename !== undefined && facts.nodename !== name
      if (isAnother && step.hasMac) await ports.waker.wake(name, limited).catch(() => {})
      return true
    }
    return facts ? 'it is still shutting down' : 'it does not answer yet'
  })
  if (ready) {
    await until(`${name} to be ready`, wait, async (limited) => {
      const node = await observeNode(name, options.inventory, ports, limited)
      const why = whyNotReady(node)
      return why === undefined || `${name} ${why}`
    })
  }
  await uncordon({ do: 'uncordon', node: name, why: 'power' }, ports, options)
}

/** A machine whose shutdown was requested, and that was not seen silent yet, may still be going down: its answer proves nothing. */
export async function bringBackHost(
  step: StepOf<'bring-back-host'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const beganAt = performance.now()
  let wasSilent = step.stopsWithin === undefined
  await wake({ name: step.host, ...step }, ports, options, async (limited) => {
    // Who has not answered in time is silent, and silence is what packets are for.
    const answers = await withDeadline(question, limited, (soon) => ports.hosts.answers(step.host, soon)).catch(
      () => false,
    )
    if (!answers) wasSilent = true
    if (!answers) return 'it does not answer yet'
    return wasSilent || performance.now() - beganAt >= step.stopsWithin! || 'it may still be shutting down'
  })
}

/**
 * Sends magic packets until the machine is up, and after a while also uses `powerOn`: a packet is easily
 * lost, some machines listen only late, and one to a machine that runs does no harm.
 */
async function wake(
  { name, hasMac, retryInterval, powerOnAfter, within }: Waking & { readonly name: string },
  { waker }: Ports,
  { signal, pollEvery, log }: CarryOutOptions,
  isUp: (signal: AbortSignal) => Promise<true | string>,
): Promise<void> {
  // A machine that is up before its turn lets nobody wait.
  const turn = await waker.turnIn(name, signal)
  const beganAt = performance.now() + turn
  let sentAt = -Infinity
  let switchedAt = -Infinity
  const attempt = async (what: string, call: Promise<void>) =>
    call.catch((error: unknown) => log.warn({ machine: name, reason: messageOf(error) }, `${what} failed`))
  const canWake = hasMac || powerOnAfter !== undefined
  const what = canWake ? `${name} to come up` : `${name} to be switched on (it has no mac, so press its button)`
  await until(what, { within: within + turn, pollEvery, signal }, async (limited) => {
    const up = await isUp(limited)
    if (up === true) return true
    const now = performance.now()
    if (now < beganAt) return up
    if (hasMac && now - sentAt >= retryInterval) {
      sentAt = now
      await attempt('magic packet', waker.wake(name, limited))
    }
    // A power cycle every few seconds would keep it from ever booting.
    const waits = hasMac ? powerOnAfter : 0
    if (
      powerOnAfter !== undefined &&
      now - beganAt >= waits! &&
      now - switchedAt >= Math.max(powerOnAfter, retryInterval)
    ) {
      switchedAt = now
      await attempt(
        'switching it on',
        withDeadline(30_000, limited, (soon) => waker.powerOn(name, soon)),
      )
    }
    return up
  })
}

/** Data must be seen whole so many times in a row: an operator that has just started may not have looked itself yet. */
const looksInARow = 3

/**
 * Until the storage systems say that their data are whole, but for what is accepted.
 *
 * @throws AgentError `timed-out`, with what is not
 */
export async function awaitStorage(
  { within, accepted }: StepOf<'await-storage'>,
  { kubernetes }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let seen = 0
  await until('storage to be healthy', { within, pollEvery, signal }, async (limited) => {
    const whole = seen
    seen = 0
    const unwell = await withDeadline(question, limited, (soon) => kubernetes.unhealed(soon))
    const blocking = blockingStorage({ unwell }, accepted ?? [], new Date())
    if (blocking.length > 0) return blocking.map(({ text }) => text).join('; ')
    seen = whole + 1
    return seen >= looksInARow || 'it has only just become so'
  })
}
