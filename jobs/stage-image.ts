import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, every, later, on } from '../src/core/job.ts'
import { withdrawnReason } from '../src/core/release/policy.ts'
import { surplusOf } from '../src/core/release/retention.ts'
import { planStaging, type StagingOrder, type StagingPlan, type StagingView } from '../src/core/release/staging.ts'
import { nodesAskedAgainAfter, remembered } from '../src/operations/facts.ts'
import { registerSchematics } from '../src/operations/register-schematics.ts'
import { reportingShare } from '../src/operations/share-reports.ts'
import { stageOrders } from '../src/operations/stage-orders.ts'
import {
  demandMounted,
  noteUsed,
  releasesInUse,
  type ShareContents,
  stagingView,
} from '../src/operations/staging-view.ts'
import { compareVersions, isOfficial } from '../src/core/version.ts'

/** Stages the images of the target release on the share, and publishes those that machines are to boot. */
const stageImage = defineJob({
  name: 'stage-image',
  about: 'stages the verified images of the target release on the TFTP share, and publishes what machines boot',
  triggers: [
    on('agent.started'),
    on('release.published'),
    on('schematic.changed'),
    on('share.changed'),
    on('share.returned'),
    on('rollout.finished'),
    // While nodes were off it was not known what they run.
    on('cluster.woken'),
    every('30m'),
  ],
  runs: 'queue',

  async run(context) {
    const { config, ports, schematics, now } = context
    const { journal } = ports
    const unknown = await registerSchematics(context)
    const cluster = await context.observe()
    const contents = await look(context)
    demandMounted({ config, journal }, contents)
    const view = stagingView({ config, journal, schematics, cluster }, contents)
    const restores = remembered.shareAccepted.recall(journal) === true
    const policy = { ...config.share, ...(restores ? { changed: 'restore' as const } : {}) }
    const plan = planStaging(view, policy)
    dropHolds(context, plan)
    remembered.imageNotes.remember(journal, plan.remarks)
    if (plan.orders.length === 0) {
      if (unknown) throw unknown
      const reason = whyNothing(view)
      return view.hasNodes && view.running.length === 0
        ? later(reason, after(now(), nodesAskedAgainAfter))
        : done(reason)
    }
    const isStill = async ({ image, order, publishAs, isOfNode }: StagingOrder) => {
      const seen = isOfNode ? await context.observe() : cluster
      const now = stagingView({ config, journal, schematics, cluster: seen }, contents)
      return planStaging(now, policy).orders.some(
        (one) => one.image === image && one.publishAs === publishAs && one.order.version === order.version,
      )
    }
    const demandShare = async () => demandMounted({ config, journal }, await look(context))
    const areSeveral = view.images.length > 1
    const { fresh, failed } = await stageOrders(context, plan.orders, { areSeveral, isStill, demandShare })
    // Of an image without its schematic it is not known what is needed.
    if (!unknown) await tidy(context, view, plan)
    const failure = failed[0] ?? unknown
    if (failure) throw failure
    return done(describe(plan, fresh))
  },
})

export default reportingShare(stageImage)

async function look({ ports: { share } }: JobContext): Promise<ShareContents> {
  return { staged: await share.staged(), names: await share.names() }
}

function dropHolds({ ports: { journal } }: JobContext, { overHolds }: StagingPlan): void {
  if (overHolds.length === 0) return
  const holds = Object.entries(remembered.holds.recall(journal) ?? {}).filter(([image]) => !overHolds.includes(image))
  remembered.holds.remember(journal, holds.length > 0 ? Object.fromEntries(holds) : undefined)
}

function whyNothing({ running, withdrawn }: StagingView): string {
  if (running.length === 0) return 'there is no target release, and no node reports its version'
  const last = running.filter(isOfficial).toSorted(compareVersions).at(-1)
  const isWithdrawn = last !== undefined && withdrawn.includes(last)
  return isWithdrawn ? `there is no target release, and ${withdrawnReason(last)}` : 'there is no target release'
}

/** Takes away what is not needed any more. */
async function tidy(context: JobContext, view: StagingView, { orders }: StagingPlan): Promise<void> {
  const { config, ports, signal } = context
  const { journal, share } = ports
  const contents = await look(context)
  noteUsed({ config, journal }, contents)
  const inUse = releasesInUse({ journal, cluster: await context.observe() })
  const fresh = orders.map(({ order }) => order)
  const surplus = surplusOf({ images: view.images, ...contents, inUse, fresh, now: context.now() }, config.share.keep)
  await share.prune(surplus, signal)
}

function describe({ orders, remarks }: StagingPlan, fresh: readonly string[]): string {
  const versions = [...new Set(orders.map(({ order }) => order.version))]
  const said = fresh.length > 0 ? `${fresh.join(', ')} staged` : `already staged: ${versions.join(', ')}`
  if (orders.every(({ publishAs }) => publishAs !== undefined)) return said
  const served = Object.entries(remarks).map(([image, reason]) => {
    const name = orders.find((one) => one.image === image && one.publishAs !== undefined)
    return `${name === undefined ? 'what machines boot stays as it is' : `machines boot ${name.order.version}`}: ${reason}`
  })
  return [said, ...new Set(served)].join('; ')
}
