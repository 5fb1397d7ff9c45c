import { setTimeout as sleep } from 'node:timers/promises'
import { describeIdentity, isHealthy, type Node, type TalosFacts, whyUnhealthy } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import { nextBootObstacle } from '../core/cluster/next-boot.ts'
import type { Identity } from '../core/plan.ts'
import { lackingExtensions } from '../core/release/provisions.ts'
import { whyNotBack } from '../core/upgrade/rollback.ts'
import type { Ports } from '../core/ports.ts'
import type { CarryOutOptions, StepOf } from './step.ts'
import { observeNode } from './observe.ts'
import { until } from './until.ts'

/** In ms. A node that accepts a reboot changes its stage at once; after this time the request is lost. */
const takesHoldWithin = 30_000

/**
 * A new boot with the wanted release, whole and healthy, and the same machine as before. That it runs and is ready
 * proves nothing by itself: after a rollback it is just that, with the previous release.
 */
export async function awaitUpgraded(
  step: StepOf<'await-upgraded'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const { node, version, schematic, identity } = step
  await awaitBoot({ ...step, what: `${node} to run ${version}` }, ports, options, (facts) => {
    const stranger = whyStranger(facts, identity)
    if (stranger) throw new AgentError('rejected', stranger)
    if (facts.version !== version)
      throw new AgentError('rejected', `rolled back: it rebooted and runs ${facts.version}, not ${version}`)
    if (facts.schematic !== schematic)
      throw new AgentError('rejected', `it runs the schematic ${facts.schematic ?? '(none)'}, not ${schematic}`)
    const missing = whatIsMissing(facts, identity)
    if (missing) throw new AgentError('rejected', missing)
    const next = nextBootObstacle(facts)
    if (next) throw new AgentError('rejected', next)
    return facts.fallbackPending ? 'its boot is not confirmed yet' : undefined
  })
}

/** A new boot of what the node was to go back to: a reboot that fails makes Talos switch the boot entry once more. */
export async function awaitRolledBack(
  step: StepOf<'await-rolled-back'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  await awaitBoot({ ...step, what: `${step.node} to be back` }, ports, options, (facts) => {
    const elsewhere = whyNotBack(facts, step.mark)
    if (elsewhere) throw new AgentError('rejected', `the rollback failed: ${elsewhere}`)
    return undefined
  })
}

interface AwaitedBoot {
  readonly node: string
  /** The boot that ends. */
  readonly bootId: string
  /** In ms. */
  readonly within: number
  /** What is waited for: `w-1 to run v1.13.9`. */
  readonly what: string
}

/** Waits for another boot than `bootId`, looks at what runs then, and waits for it to be healthy. */
async function awaitBoot(
  { node: name, bootId, within, what }: AwaitedBoot,
  ports: Ports,
  options: CarryOutOptions,
  look: (facts: TalosFacts) => string | undefined,
): Promise<void> {
  const { pollEvery, signal, inventory } = options
  const stopFollowing = follow(name, ports, options)
  const patience = Math.min(takesHoldWithin, within / 2)
  let unmovedSince: number | undefined
  let stranger: string | undefined
  let neverBegan = false
  try {
    await until(what, { within, pollEvery, signal }, async (limited) => {
      const node = await observeNode(name, inventory, ports, limited)
      if (!node.talos.ok) {
        unmovedSince = undefined
        return `it ${whyUnhealthy(node)}`
      }
      const facts = node.talos.value
      if (facts.bootId === bootId) {
        unmovedSince = facts.stage === 'running' ? (unmovedSince ?? performance.now()) : undefined
        // Talos answers OK also where another sequence keeps the reboot from starting.
        if (unmovedSince !== undefined && performance.now() - unmovedSince > patience) return (neverBegan = true)
        return `it has not rebooted, and is ${facts.stage}`
      }
      if (facts.stage !== 'running') return `it is ${facts.stage}${describeTrouble(facts)}`
      // What another machine runs is no failure of this one: people have to fix the addresses first.
      if (node.identity.kind === 'another') return (stranger = describeIdentity(node)) === undefined || true
      // No time brings its name back.
      if (node.identity.kind === 'renamed') throw new AgentError('rejected', `it ${describeIdentity(node)}`)
      return look(facts) ?? (isHealthy(node) || `it ${describeUnhealthy(node)}`)
    })
  } finally {
    stopFollowing()
  }
  if (stranger !== undefined) throw new AgentError('not-now', `it ${stranger}`)
  if (neverBegan) throw new AgentError('timed-out', 'the reboot never started: it is requested again')
}

function describeUnhealthy(node: Node): string {
  return `${whyUnhealthy(node)}${node.talos.ok ? describeTrouble(node.talos.value) : ''}`
}

function describeTrouble({ unmet, ailing }: TalosFacts): string {
  const told = [...unmet, ...ailing.map((service) => `${service} is unhealthy`)].join(', ')
  return told && ` (${told})`
}

/** Why this is not the machine that was taken away. The machine id decides; a UUID may be shared by a batch of boards. */
function whyStranger(facts: TalosFacts, { uuid, machineId }: Identity): string | undefined {
  if (machineId !== undefined && facts.machineId !== undefined)
    return machineId === facts.machineId
      ? undefined
      : `another machine answers at its address: its machine id is ${facts.machineId}, and was ${machineId}`
  if (uuid !== undefined && facts.uuid !== undefined && facts.uuid !== uuid)
    return `another machine answers at its address: its UUID is ${facts.uuid}, and was ${uuid}`
  return undefined
}

/** What it came back without, of what it must have. */
function whatIsMissing(facts: TalosFacts, { extensions, kernelArguments = [] }: Identity): string | undefined {
  const lacking = facts.extensions ? lackingExtensions(extensions, facts.extensions) : []
  if (lacking.length > 0) return `it came back without ${lacking.join(', ')}`
  const lost = kernelArguments.filter((argument) => !facts.kernelArguments.includes(argument))
  return lost.length > 0 ? `it came back without the kernel arguments ${lost.join(' ')}` : undefined
}

/** Follows the node's events, for display only. Returns what ends it. */
function follow(node: string, { talos }: Ports, { signal, onHint, pollEvery }: CarryOutOptions): () => void {
  if (!onHint) return () => {}
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const listen = async () => {
    while (!either.aborted) {
      try {
        for await (const text of talos.follow(node, either)) onHint(node, text)
      } catch {
        // A node that reboots breaks off; another connection is made when it is back.
      }
      await sleep(pollEvery, undefined, { signal: either }).catch(() => {})
    }
  }
  void listen()
  return () => ended.abort()
}

/** One failed check may be a lost packet; two in a row are not. */
export async function settle(
  { node: name, lasts }: StepOf<'settle'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const { inventory, pollEvery, signal } = options
  const end = performance.now() + lasts
  let bad = 0
  while (performance.now() < end || bad > 0) {
    await sleep(Math.max(1, Math.min(pollEvery, end - performance.now())), undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
    const node = await observeNode(name, inventory, ports, signal)
    bad = isHealthy(node) ? 0 : bad + 1
    if (bad >= 2) throw new AgentError('not-now', `after its upgrade it ${describeUnhealthy(node)}`)
  }
}

/** The user's own conditions, until all of them hold. */
export async function awaitChecks(
  { checks, within }: StepOf<'await-checks'>,
  ports: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  await until('the checks to pass', { within, pollEvery, signal }, async (limited) => {
    const failures = await Promise.all(checks.map((check) => ports.checks.run(check, limited)))
    return failures.find((failure) => failure !== undefined) ?? true
  })
}

export async function uncordon(
  { node, why, forgetAttempts }: StepOf<'uncordon'>,
  { kubernetes }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  await until(`the API server to uncordon ${node}`, { within: 60_000, pollEvery, signal }, async (limited) => {
    await kubernetes.uncordon(node, why, { forgetAttempts: forgetAttempts ?? false }, limited)
    return true
  })
}
