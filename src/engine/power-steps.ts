import { isHealthy, whyUnhealthy } from '../core/cluster.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { CarryOutOptions, StepOf } from './carry-out.ts'
import { observeNode, question } from './observe.ts'
import { until, withDeadline } from './until.ts'
import { uncordon } from './upgrade-steps.ts'

/**
 * A node that doesn't take the call is asked again until its time is up: the network may blink. One that can't be reached
 * twice is off, booting or cut off; nobody told it, and the watch that follows the plan looks at it again.
 */
export async function shutDown(
  { node, force, within }: StepOf<'shut-down'>,
  { talos }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let refusals = 0
  await until(`${node} to take the order`, { within, pollEvery: Math.min(pollEvery, 500), signal }, async (limited) => {
    try {
      await withDeadline(question, limited, (soon) => talos.shutDown(node, { force }, soon))
      return true
    } catch (error) {
      refusals = error instanceof AgentError && error.code === 'unreachable' ? refusals + 1 : 0
      if (refusals >= 2) throw new AgentError('rejected', `it can't be reached (${messageOf(error)})`)
      throw error
    }
  })
}

/** Down is what fails to answer twice in a row. */
export async function awaitDown(
  { node, within }: StepOf<'await-down'>,
  { talos }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let silences = 0
  await until(`${node} to be down`, { within, pollEvery: Math.min(pollEvery, 500), signal }, async (limited) => {
    const answers = await withDeadline(question, limited, (soon) => talos.version(node, soon)).then(
      () => true,
      (error: unknown) => error instanceof AgentError && !error.retryable,
    )
    silences = answers ? 0 : silences + 1
    return silences >= 2 || 'it still answers'
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
  await wake(step, ports, options)
  if (ready) {
    await until(`${name} to be ready`, wait, async (limited) => {
      const node = await observeNode(name, options.inventory, ports, limited)
      return isHealthy(node) || `${name} ${whyUnhealthy(node)}`
    })
  }
  await uncordon({ do: 'uncordon', node: name, why: 'power' }, ports, options)
}

async function wake(
  { node, mac, retryEvery, within }: StepOf<'bring-back'>,
  ports: Ports,
  { signal, pollEvery, log }: CarryOutOptions,
): Promise<void> {
  let sentAt = -Infinity
  const what =
    mac === undefined ? `${node} to be switched on (it has no mac, so press its button)` : `${node} to come up`
  await until(what, { within, pollEvery, signal }, async (limited) => {
    const facts = await withDeadline(question, limited, (soon) => ports.talos.look(node, soon)).catch(() => undefined)
    // A node that is still going down answers too.
    if (facts && facts.stage !== 'shutting down') return true
    if (mac !== undefined && performance.now() - sentAt >= retryEvery) {
      sentAt = performance.now()
      await ports.wakeOnLan
        .wake(mac)
        .catch((error: unknown) => log.warn({ node, reason: messageOf(error) }, 'magic packet not sent'))
    }
    return facts ? 'it is still shutting down' : 'it does not answer yet'
  })
}
