import { runningVersions } from '../src/core/cluster/cluster.ts'
import { AgentError } from '../src/core/errors.ts'
import { defineJob } from '../src/operations/job.ts'
import { after, done, every, later, on } from '../src/core/job.ts'
import type { Journal } from '../src/core/journal.ts'
import { phase } from '../src/core/plan.ts'
import { withdrawnReason } from '../src/core/release/policy.ts'
import { kernelArgumentsOf, schematicsInUse } from '../src/core/release/schematic.ts'
import { nodesAskedAgainAfter, remembered } from '../src/operations/facts.ts'
import { reportingShare } from '../src/operations/share-reports.ts'
import { compareVersions, isOfficial } from '../src/core/version.ts'

/** Stages the image of the target release on the share, and stages it again when the schematic changes. */
const stageImage = defineJob({
  name: 'stage-image',
  about: 'stages the verified UKI of the target release on the TFTP share',
  triggers: [on('agent.started'), on('release.published'), on('schematic.changed'), every('30m')],
  runs: 'queue',

  async run({ config, ports, schematics, signal, observe, carryOut, emit, now }) {
    const { factory, journal, share } = ports
    const ids: Record<string, string> = { ...remembered.schematicIds.recall(journal) }
    for (const name of schematicsInUse(config)) {
      const found = schematics.get(name)
      if (!found) throw new AgentError('misconfigured', `config/schematics/${name}.yaml is missing, or was never valid`)
      ids[found.id] ??= await factory.register(found.schematic, signal)
    }
    remembered.schematicIds.remember(journal, ids)

    // Without a target release, what the nodes run is what a new machine should boot, unless it was withdrawn.
    const withdrawn = remembered.withdrawn.recall(journal) ?? []
    const running = runningVersions(await observe())
      .filter(isOfficial)
      .toSorted(compareVersions)
    const candidates = [remembered.target.recall(journal), ...running.toReversed()]
    const wanted = candidates.find((version) => version !== undefined && !withdrawn.includes(version))
    const requests = remembered.stagingRequests.recall(journal) ?? []
    const versions = [...new Set([...(wanted === undefined ? [] : [wanted]), ...requests])]
    if (versions.length === 0) {
      const lastOne = running.at(-1)
      if (lastOne !== undefined) return done(`there is no target release, and ${withdrawnReason(lastOne)}`)
      const reason = 'there is no target release, and no node reports its version'
      return config.nodes.length === 0 ? done(reason) : later(reason, after(now(), nodesAskedAgainAfter))
    }

    const own = schematics.get(config.schematic)!
    const schematic = ids[own.id]!
    const before = await share.staged()
    const fresh: string[] = []
    const refused: AgentError[] = []
    for (const version of versions) {
      const image = {
        schematic,
        version,
        architecture: config.share.architecture,
        kernelArguments: kernelArgumentsOf(own.schematic),
      }
      const isRequest = version !== wanted
      const wasThere = before.some(
        (staged) => staged.version === version && staged.schematic === schematic && (staged.published || isRequest),
      )
      try {
        // Checked on every run, because the share may have been changed; logged only when something was staged.
        await carryOut([phase('stage-image', [], { do: 'stage-image', image, publish: !isRequest })], {
          isRoutine: wasThere,
        })
      } catch (error) {
        if (signal.aborted || !isRequest || !(error instanceof AgentError) || error.retryable) throw error
        // Requested by a person, not needed by a node: a failure is reported, and not retried for ever.
        refused.push(error)
        forgetRequest(journal, version)
        continue
      }
      if (!wasThere) {
        fresh.push(version)
        await emit({ type: 'image.staged', version, schematic })
      }
      forgetRequest(journal, version)
    }
    if (refused[0]) throw refused[0]
    return done(fresh.length > 0 ? `${fresh.join(', ')} staged` : `already staged: ${versions.join(', ')}`)
  },
})

export default reportingShare(stageImage)

function forgetRequest(journal: Journal, version: string): void {
  const rest = (remembered.stagingRequests.recall(journal) ?? []).filter((request) => request !== version)
  remembered.stagingRequests.remember(journal, rest.length > 0 ? rest : undefined)
}
