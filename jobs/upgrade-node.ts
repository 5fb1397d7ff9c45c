import { AgentError, assertNever, messageOf } from '../src/core/errors.ts'
import { after, defineJob, done, every, later, on } from '../src/core/job.ts'
import { phase } from '../src/core/plan.ts'
import { foresee } from '../src/core/rollout.ts'
import { remembered } from '../src/core/target.ts'

/** Brings one node to the wanted Talos release, then asks to be run again. */
export default defineJob({
  name: 'upgrade-node',
  about: 'brings one node to the release to go to, if everything speaks for it, and then the next',
  triggers: [on('image.staged'), on('node.returned'), on('power.on-mains'), on('cluster.woken'), every('10m')],
  purpose: 'upgrade',
  runs: 'queue',

  async run(context) {
    const { config, ports, now, emit, carryOut, signal, log } = context
    if (!config.upgrade.enabled) return done('upgrade.enabled is false')
    const { decision, version, cluster } = await foresee(context)
    switch (decision.kind) {
      case 'upgraded':
        remembered.rollout.remember(ports.journal, undefined)
        return done(version === undefined ? 'no node tells what it runs' : `every node runs ${version}`)
      case 'wait':
        return later(decision.reason, decision.until ?? after(now(), config.upgrade.retryAfter))
      case 'stuck':
        ports.journal.write({ kind: 'alert', subject: 'rollout', text: `the rollout is stuck: ${decision.reason}` })
        return done(`stuck: ${decision.reason}`)
      case 'go':
        break
      default:
        return assertNever(decision)
    }

    remembered.rollout.remember(ports.journal, version)
    log.info({ node: decision.node, version }, decision.reason)
    try {
      await carryOut(decision.plan)
    } catch (error) {
      if (signal.aborted || !(error instanceof AgentError)) throw error
      // The node itself remembers, so that a release that fails is not tried for ever.
      const facts = cluster.nodes.find(({ name }) => name === decision.node)?.kubernetes
      const plannedCount = decision.plan.flatMap(({ steps }) => steps).find((step) => step.do === 'cordon')
        ?.attempts?.count
      const count = plannedCount ?? (facts?.ok ? facts.value.attempts?.count : undefined) ?? 1
      const attempts = { release: version!, count, failure: error.message }
      await carryOut([phase('note', { do: 'note-failure', node: decision.node, attempts })]).catch((late: unknown) =>
        log.warn({ reason: messageOf(late) }, 'failure not noted on the node'),
      )
      ports.journal.write({ kind: 'alert', subject: decision.node, text: error.message })
      return later(error.message, after(now(), config.upgrade.retryAfter))
    }
    const back = decision.plan.some(({ steps }) => steps.some((step) => step.do === 'await-upgraded'))
    if (back) await emit({ type: 'node.upgraded', node: decision.node, version: version! })
    return later(back ? `${decision.node} runs ${version}; on to the next` : decision.reason, now())
  },
})
