import { isArmed, isHealthy } from '../src/core/cluster.ts'
import { describeReason } from '../src/core/event.ts'
import { after, defineJob, done, later, type JobContext, on, type StepState } from '../src/core/job.ts'
import { beginOutage, type Outage, wentDown, withNodeState } from '../src/core/outage.ts'
import type { Step } from '../src/core/plan.ts'
import { planShutdown } from '../src/core/shutdown.ts'

/** A node that rebooted when the power failed doesn't answer and was up all the same, in ms. */
const recently = 15 * 60_000
/** A node that comes up while the battery runs down is told again, in ms. */
const watchEvery = 5_000

/** Brings every node down in order while the UPS still carries them. */
export default defineJob({
  name: 'shut-down-cluster',
  about: 'drains the cluster and shuts it down in order, when the UPS is about to fail',
  triggers: [on('power.critical')],
  purpose: 'shutdown',
  runs: 'here',

  async run(context) {
    const { config, ports, now, carryOut, emit, signal } = context
    const { journal } = ports
    const { power } = context
    if (power.mode !== 'critical') return done('the power is not critical')
    const powerReturned = context.powerReturned
    const watch = later(
      'every node was told; watching until power is back',
      after(now(), Math.min(watchEvery, config.power.nodeStops)),
    )

    let outage = (await resume(context)) ?? (await begin(context, power.reason))
    const save = (changed: Outage) => {
      outage = changed
      journal.saveOutage(outage)
    }
    save(outage)

    const plan = planShutdown(config.nodes, outage, power.reading?.runtime, config.power, now())
    journal.write({
      kind: 'power',
      text: `shutting the cluster down, because ${describeReason(power.reason)}; ${plan.reason}`,
    })

    // Before a step's first effect the disk knows of it: whoever comes after us goes on from there.
    let cordoned = 0
    const onStep = (step: Step, { kind }: StepState) => {
      if (step.do === 'cordon' && kind === 'done') cordoned += 1
      if (step.do === 'shut-down' && kind === 'started') save(withNodeState(outage, step.node, 'shutdown-sent'))
      if (step.do === 'await-down' && kind === 'done') save(withNodeState(outage, step.node, 'off'))
      if (step.do === 'await-down' && kind === 'failed' && !signal.aborted)
        save(withNodeState(outage, step.node, 'abandoned'))
    }
    const mayGoOn = () => (powerReturned.aborted ? 'power is back' : undefined)
    try {
      for (const phase of plan.reversible) {
        // Where not one node could be cordoned the API is away, and a drain would only wait for it on the battery.
        if (phase.name === 'drain' && cordoned === 0) {
          journal.write({ kind: 'alert', text: 'the Kubernetes API does not answer: pods are stopped by their nodes' })
          continue
        }
        await carryOut([phase], { signal: powerReturned, mayGoOn, onStep })
      }
      await carryOut(plan.irreversible, { mayGoOn, onStep })
    } catch (error) {
      if (!powerReturned.aborted || signal.aborted) throw error
      return done(
        wentDown(outage) ? 'power is back: no further node goes down' : 'power is back before any node went down',
      )
    }

    save({ ...outage, stage: 'stopped' })
    const abandoned = Object.entries(outage.nodes).filter(([, node]) => node.state === 'abandoned')
    if (abandoned.length > 0) {
      journal.write({
        kind: 'alert',
        text: `given up, because they would not stop: ${abandoned.map(([name]) => name).join(', ')}`,
      })
    }
    await emit({ type: 'cluster.stopped' })
    return watch
  },
})

/** A new outage: what is up now, or was a moment ago, is what is woken afterwards. */
async function begin(
  { config, ports, observe, answeredWithin, now }: JobContext,
  reason: Outage['reason'],
): Promise<Outage> {
  const wasUp = new Set(answeredWithin(recently))
  // On record before the first look: a node that is slow to answer must not hold up what can't wait.
  const bare = beginOutage(
    now(),
    reason,
    config.nodes.map(({ name }) => name),
    wasUp,
  )
  ports.journal.saveOutage(bare)
  const cluster = await observe()
  for (const node of cluster.nodes) {
    const marked = node.kubernetes.ok && node.kubernetes.value.cordon?.why === 'upgrade'
    if (node.talos.ok || marked || (node.kubernetes.ok && node.kubernetes.value.ready)) wasUp.add(node.name)
  }
  const armed = cluster.nodes.filter(isArmed).map(({ name }) => name)
  if (armed.length > 0) {
    ports.journal.write({
      kind: 'alert',
      text: `${armed.join(', ')} will start another release at the next boot: an upgrade was installed there`,
    })
  }
  return beginOutage(
    new Date(bare.startedAt),
    reason,
    config.nodes.map(({ name }) => name),
    wasUp,
  )
}

/** The outage that is open. A node that answers is up, whatever the record says: it booted meanwhile, or never stopped. */
async function resume({ ports, observe }: JobContext): Promise<Outage | undefined> {
  const open = ports.journal.openOutage()
  if (!open) return undefined
  let outage: Outage = open
  if (outage.stage === 'waking') outage = { ...outage, stage: 'stopping' }
  for (const node of (await observe()).nodes) {
    const state = outage.nodes[node.name]?.state
    const answers = node.talos.ok && (isHealthy(node) || node.talos.value.stage !== 'shutting down')
    if (answers && state !== 'up' && state !== 'shutdown-sent') {
      outage = { ...outage, nodes: { ...outage.nodes, [node.name]: { wasUp: true, state: 'up' } } }
    }
  }
  return outage
}
