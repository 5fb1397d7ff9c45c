import { alertOnce } from '../src/core/alerts.ts'
import { isArmed, isHealthy } from '../src/core/cluster.ts'
import { describeReason } from '../src/core/event.ts'
import { after, defineJob, done, type JobContext, later, on, type StepState } from '../src/core/job.ts'
import { beginOutage, type Outage, wentDown, withNodeState } from '../src/core/outage.ts'
import { phase, type Step } from '../src/core/plan.ts'
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
    const { config, ports, now, monotonic, carryOut, emit, signal, power, powerReturned } = context
    const { journal } = ports
    if (power.mode !== 'critical') return done('the power is not critical')
    const watch = later(
      'every node was told; watching until power is back',
      after(now(), Math.min(watchEvery, config.power.nodeStops)),
    )

    const open = journal.openOutage()
    let outage = open ? await resume(context, open) : await begin(context, power.reason)
    const save = (changed: Outage) => {
      outage = changed
      journal.saveOutage(outage)
    }
    if (outage !== open) save(outage)

    // What was left when the UPS last spoke, less the time since.
    const left =
      power.reading?.runtime === undefined
        ? undefined
        : Math.max(0, power.reading.runtime - (monotonic() - power.lastHeard))
    const plan = planShutdown(config.nodes, outage, left, config.power, now())
    const isWatch = outage.stage === 'stopped' && plan.irreversible.length === 0
    if (!isWatch) {
      journal.write({
        kind: 'power',
        text: `shutting the cluster down, because ${describeReason(power.reason)}; ${plan.reason}`,
      })
    }

    // Before a step's first effect the disk knows of it: whoever comes after us goes on from there.
    // By an agent before us: what is silent now has heard it.
    const toldBefore = new Set(
      Object.entries(outage.nodes).flatMap(([name, { state }]) => (state === 'shutdown-sent' ? [name] : [])),
    )
    let cordoned = 0
    const onStep = (step: Step, { kind }: StepState) => {
      if (step.do === 'cordon' && kind === 'done') cordoned += 1
      if (step.do === 'shut-down' && kind === 'started') save(withNodeState(outage, step.node, 'shutdown-sent'))
      if (signal.aborted) return
      if (step.do === 'shut-down' && kind === 'failed' && !toldBefore.has(step.node)) {
        save(withNodeState(outage, step.node, 'unreached'))
      }
      if (step.do !== 'await-down' || kind === 'started') return
      // That a node is silent which was never told doesn't mean that it is off.
      const silent = outage.nodes[step.node]?.state === 'unreached' ? 'unreached' : 'off'
      save(withNodeState(outage, step.node, kind === 'done' ? silent : 'abandoned'))
    }
    const mayGoOn = () => (powerReturned.aborted ? 'power is back' : undefined)
    try {
      for (const one of plan.reversible) {
        // Where not one node could be cordoned the API is away, and a drain would only wait for it on the battery.
        if (one.name === 'drain' && cordoned === 0) {
          journal.write({ kind: 'alert', text: 'the Kubernetes API does not answer: pods are stopped by their nodes' })
          continue
        }
        await carryOut([one], { signal: powerReturned, mayGoOn, onStep })
      }
      await carryOut(plan.irreversible, { mayGoOn, onStep })
    } catch (error) {
      if (!powerReturned.aborted || signal.aborted) throw error
      return done(
        wentDown(outage) ? 'power is back: no further node goes down' : 'power is back before any node went down',
      )
    }

    if (outage.stage !== 'stopped') {
      save({ ...outage, stage: 'stopped', stoppedAt: outage.stoppedAt ?? now().toISOString() })
      sayWhoIsLeft(context, outage)
      await emit({ type: 'cluster.stopped' })
    }
    // A node that nobody reached may be booting: the primary is not to cut the power under it just yet.
    const unreached = Object.values(outage.nodes).some(({ wasUp, state }) => wasUp && state === 'unreached')
    const stoppedFor = now().getTime() - Date.parse(outage.stoppedAt ?? now().toISOString())
    if (!outage.loggedOut && (!unreached || stoppedFor >= config.power.nodeStops)) {
      await carryOut([{ ...phase('log out', { do: 'log-out-of-ups' }), bestEffort: true }])
      save({ ...outage, loggedOut: true })
    }
    return watch
  },
})

function sayWhoIsLeft({ ports }: JobContext, { nodes }: Outage): void {
  const named = (state: string) =>
    Object.entries(nodes)
      .filter(([, node]) => node.wasUp && node.state === state)
      .map(([name]) => name)
      .join(', ')
  if (named('abandoned')) {
    ports.journal.write({ kind: 'alert', text: `given up, because they would not stop: ${named('abandoned')}` })
  }
  if (named('unreached')) {
    ports.journal.write({ kind: 'alert', text: `not told, because they could not be reached: ${named('unreached')}` })
  }
}

/** A new outage: what is up now, or was a moment ago, is what is woken afterwards. */
async function begin(
  { config, ports, observe, answeredWithin, now }: JobContext,
  reason: Outage['reason'],
): Promise<Outage> {
  const names = config.nodes.map(({ name }) => name)
  const wasUp = new Set(answeredWithin(recently))
  const wasHealthy = new Set<string>()
  // On record before the first look: a node that is slow to answer must not hold up what can't wait.
  const bare = beginOutage(now(), reason, names, wasUp)
  ports.journal.saveOutage(bare)
  const cluster = await observe()
  for (const node of cluster.nodes) {
    const marked = node.kubernetes.ok && node.kubernetes.value.cordon?.why === 'upgrade'
    if (node.talos.ok || marked || (node.kubernetes.ok && node.kubernetes.value.ready)) wasUp.add(node.name)
    // What is being upgraded was healthy when that began.
    if (isHealthy(node) || marked || !node.kubernetes.ok) wasHealthy.add(node.name)
  }
  const armed = cluster.nodes.filter(isArmed).map(({ name }) => name)
  if (armed.length > 0) {
    ports.journal.write({
      kind: 'alert',
      text: `${armed.join(', ')} will start another release at the next boot: an upgrade was installed there`,
    })
  }
  return beginOutage(new Date(bare.startedAt), reason, names, wasUp, wasHealthy)
}

/**
 * The outage that is open. A node that answers is up, whatever the record says: it booted meanwhile, or never stopped.
 * While the UPS is silent a node that booted is a sign of mains and not of a battery to be spared: it is left alone.
 */
async function resume({ config, ports, observe, power, monotonic }: JobContext, open: Outage): Promise<Outage> {
  let outage: Outage = open.stage === 'waking' ? { ...open, stage: 'stopping' } : open
  const silent = power.mode !== 'critical' || monotonic() - power.lastHeard > config.power.silence
  const spared: string[] = []
  for (const node of (await observe()).nodes) {
    if (!node.talos.ok || node.talos.value.stage === 'shutting down') continue
    const before = outage.nodes[node.name]
    const wasTold = before?.state === 'off' || before?.state === 'abandoned' || before?.state === 'unreached'
    if (outage.stage === 'stopped' && wasTold && silent) {
      spared.push(node.name)
      continue
    }
    const state = before?.state === 'shutdown-sent' ? 'shutdown-sent' : 'up'
    if (before?.wasUp && before.state === state) continue
    outage = { ...outage, nodes: { ...outage.nodes, [node.name]: { ...before, wasUp: true, state } } }
  }
  const text = `${spared.join(', ')} answers while the UPS is silent, and is left alone: is mains back?`
  alertOnce(ports.journal, 'spared', spared.length > 0 ? text : undefined)
  return outage
}
