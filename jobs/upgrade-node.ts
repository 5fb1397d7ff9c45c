import { alertOnce } from '../src/core/alerts.ts'
import { AgentError, assertNever, messageOf } from '../src/core/errors.ts'
import { after, defineJob, done, every, type JobContext, later, on } from '../src/core/job.ts'
import { phase } from '../src/core/plan.ts'
import { powerObstacle } from '../src/core/power.ts'
import { begins, type Foresight, foresee, pauseOf } from '../src/core/rollout.ts'
import { remembered } from '../src/core/target.ts'

/** Phases that a failing battery keeps from beginning, and those that a pause does: what is installed is finished. */
const beforeReboot = ['fetch', 'close', 'empty', 'confirm', 'install', 'reboot']
const beforeInstall = ['fetch', 'close', 'empty', 'install']

/** Brings one node to the wanted Talos release, then asks to be run again. */
export default defineJob({
  name: 'upgrade-node',
  about: 'brings one node to the release to go to, if everything speaks for it, and then the next',
  triggers: [
    on('agent.started'),
    on('image.staged'),
    on('node.returned'),
    on('power.on-mains'),
    on('cluster.woken'),
    every('10m'),
  ],
  purpose: 'upgrade',
  runs: 'queue',

  async run(context) {
    const { config, ports, now, emit, carryOut, signal, log } = context
    const { journal } = ports
    const foreseen = await foresee(context)
    const { decision, version, cluster } = foreseen
    switch (decision.kind) {
      case 'upgraded':
        remembered.rollout.remember(journal, undefined)
        alertOnce(journal, 'rollout', undefined)
        return done(version === undefined ? 'no node tells what it runs' : `every node runs ${version}`)
      case 'wait': {
        // A node of ours that stays closed is nobody's plan: a person should hear of it.
        const ours = cluster.nodes.find(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
        if (ours) alertOnce(journal, 'rollout', `${ours.name} stays cordoned: ${decision.reason}`, ours.name)
        return later(decision.reason, decision.until ?? after(now(), config.upgrade.retryAfter))
      }
      case 'stuck':
        alertOnce(journal, 'rollout', `the rollout is stuck: ${decision.reason}`, 'rollout')
        return done(`stuck: ${decision.reason}`)
      case 'go':
        break
      default:
        return assertNever(decision)
    }

    if (begins(decision.plan)) remembered.rollout.remember(journal, version)
    log.info({ node: decision.node, version }, decision.reason)
    const mayGoOn = (name: string) =>
      (beforeReboot.includes(name) ? powerObstacle(context.power, context.monotonic(), config.power) : undefined) ??
      (beforeInstall.includes(name) ? pauseOf(config, journal) : undefined)
    try {
      await carryOut(decision.plan, { mayGoOn })
    } catch (error) {
      if (signal.aborted || !(error instanceof AgentError)) throw error
      // What passes by itself is no fault of the release; what doesn't, the node itself remembers.
      if (!error.retryable) await noteFailure(context, foreseen, decision.node, error.message)
      alertOnce(journal, 'rollout', error.message, decision.node)
      return later(error.message, after(now(), config.upgrade.retryAfter))
    }
    alertOnce(journal, 'rollout', undefined)
    const back = decision.plan.some(({ steps }) => steps.some((step) => step.do === 'await-upgraded'))
    if (back) await emit({ type: 'node.upgraded', node: decision.node, version: version! })
    return later(back ? `${decision.node} runs ${version}; on to the next` : decision.reason, now())
  },
})

/** So that a release that fails on a node is not tried there for ever. */
async function noteFailure(
  { carryOut, log }: JobContext,
  { cluster, decision, version }: Foresight,
  node: string,
  failure: string,
): Promise<void> {
  if (decision.kind !== 'go' || version === undefined) return
  const steps = decision.plan.flatMap((one) => one.steps)
  const planned = steps.find((step) => step.do === 'cordon')?.attempts?.count
  const facts = cluster.nodes.find(({ name }) => name === node)?.kubernetes
  const count = planned ?? (facts?.ok ? facts.value.attempts?.count : undefined) ?? 1
  const attempts = { release: version, count, failure }
  await carryOut([phase('note', { do: 'note-failure', node, attempts })]).catch((error: unknown) =>
    log.warn({ reason: messageOf(error) }, 'failure not noted on the node'),
  )
}
