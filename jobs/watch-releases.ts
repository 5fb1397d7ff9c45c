import { alertOnce } from '../src/core/alerts.ts'
import { runningVersions } from '../src/core/cluster.ts'
import { defineJob, done, every, later, on } from '../src/core/job.ts'
import { chooseTarget, remembered } from '../src/core/target.ts'
import { compareVersions, isNewer } from '../src/core/version.ts'

/** Asks the Image Factory whether there is a release that this homelab should have, and says why not yet. */
export default defineJob({
  name: 'watch-releases',
  about: 'asks the Image Factory for releases and decides which one this homelab should go to',
  triggers: [on('agent.started'), every('30m'), on('node.upgraded'), on('cluster.woken')],
  runs: 'queue',

  async run({ config, ports, signal, observe, emit, now }) {
    const { factory, journal } = ports
    const known = remembered.versions.recall(journal) ?? []
    /** What `caretaker status` says of releases until the next look. */
    const say = (text: string) => {
      remembered.news.remember(journal, text)
      return done(text)
    }
    const offered = await factory.versions(signal)

    // The Factory's list has lost releases before by mistake: what is known is kept, and nothing goes backwards.
    const newestKnown = known.toSorted(compareVersions).at(-1)
    const newestOffered = offered.toSorted(compareVersions).at(-1)
    if (newestOffered === undefined || (newestKnown !== undefined && isNewer(newestKnown, newestOffered))) {
      const text = `the Factory's list no longer holds ${newestKnown ?? 'any release'}; nothing goes backwards`
      alertOnce(journal, 'releases', text, 'factory')
      return say(text)
    }
    alertOnce(journal, 'releases', undefined)
    remembered.versions.remember(journal, offered)

    const cluster = await observe()
    const before = remembered.target.recall(journal)
    // What they ran is not forgotten because they are all down: they may boot from what is staged now.
    if (runningVersions(cluster).length === 0)
      return say(`no node answers${before === undefined ? '' : `; ${before} stays the release to go to`}`)
    const decision = chooseTarget(cluster, journal, config.upgrade, now())
    if (decision.kind !== 'target') {
      remembered.target.remember(journal, undefined)
      if (decision.kind === 'current') return say(decision.reason)
      const reason = `${decision.version} is out: ${decision.reason}`
      const said = say(reason)
      return decision.until === undefined ? said : later(reason, new Date(decision.until))
    }
    remembered.target.remember(journal, decision.version)
    if (before !== decision.version) await emit({ type: 'release.published', version: decision.version })
    return say(`${decision.version} is the release to go to: ${decision.reason}`)
  },
})
