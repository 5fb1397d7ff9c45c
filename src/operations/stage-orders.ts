import { eachAtOnce } from '../core/at-once.ts'
import { AgentError, findError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { phase } from '../core/plan.ts'
import type { ImageOrder } from '../core/release/image.ts'
import { ShareFull } from '../core/release/share-full.ts'
import type { StagingOrder } from '../core/release/staging.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'

/** What staging has come to. */
export interface StagedOrders {
  /** What was not there before: `v1.13.9`, or `v1.13.9 for gpu` where there are several images. */
  readonly fresh: readonly string[]
  /** Why images are not there, those that machines need first. */
  readonly failed: readonly Error[]
}

export interface StagingCircumstances {
  readonly areSeveral: boolean
  /** Whether a name is still to serve this: a person may have taken it back meanwhile, or the turn of a node may have come. */
  readonly isStill: (order: StagingOrder) => Promise<boolean>
  /** Ends with an error where the share is not the one it was: it may go away between two images. */
  readonly demandShare: () => Promise<void>
}

/**
 * Brings images onto the share, a few at once, and publishes those that are to be. One that fails keeps no other back.
 *
 * @throws where the run is cancelled
 */
export async function stageOrders(
  context: Pick<JobContext, 'config' | 'ports' | 'carryOut' | 'emit' | 'signal'>,
  orders: readonly StagingOrder[],
  { areSeveral, isStill, demandShare }: StagingCircumstances,
): Promise<StagedOrders> {
  const { config, ports, carryOut, emit, signal } = context
  const fresh: string[] = []
  const failed: Failure[] = []

  // Checked on every run, because the share may have been changed; logged only when something was staged.
  const carry = (image: ImageOrder, publishAs: string | undefined, isRoutine: boolean) =>
    carryOut(
      [phase('stage-image', [], { do: 'stage-image', image, ...(publishAs === undefined ? {} : { publishAs }) })],
      { isRoutine },
    )

  async function stage(whole: StagingOrder): Promise<void> {
    const { image, order, publishAs, isRequest, isThere, isDone } = whole
    const { version, schematic } = order
    const what = areSeveral ? `${version} for ${image}` : version
    try {
      if (!isDone) await demandShare()
      // A download takes minutes: what is published is decided once more after it.
      if (!isThere || publishAs === undefined) await carry(order, undefined, isDone)
      if (publishAs !== undefined && (await isStill(whole))) await carry(order, publishAs, isDone)
    } catch (error) {
      if (signal.aborted || !(error instanceof AgentError)) throw error
      failed.push({ version, error, isRequest })
      return
    }
    if (isDone) return
    fresh.push(what)
    await emit({ type: 'image.staged', version, schematic })
  }

  // Two orders of the same files one after the other: each has one place on the share.
  const groups = [...Map.groupBy(orders, ({ order }) => keyOf(order)).values()]
  await eachAtOnce(config.share.downloads, groups, async (group) => {
    for (const order of group) {
      signal.throwIfAborted()
      await stage(order)
    }
  })
  forgetRequests(ports.journal, orders, failed)
  return {
    fresh,
    failed: failed.toSorted((a, b) => rankOf(a) - rankOf(b)).map(({ error }) => error),
  }
}

interface Failure {
  readonly version: string
  readonly error: AgentError
  readonly isRequest: boolean
}

/** What machines need before what a person wants; of those first what lacks room, which a person can mend at once. */
function rankOf({ isRequest, error }: Failure): number {
  return (isRequest ? 2 : 0) + (findError(error, ShareFull) ? 0 : 1)
}

function keyOf({ version, schematic, architecture, secureBoot, kind }: ImageOrder): string {
  return [version, schematic, architecture, secureBoot, kind].join(' ')
}

/**
 * Requested by a person, not needed by a node: what was brought is over, and a failure that does not pass by itself is
 * reported, and not retried for ever.
 */
function forgetRequests(journal: Journal, orders: readonly StagingOrder[], failed: readonly Failure[]): void {
  const again = new Set(failed.filter(({ error }) => error.retryable).map(({ version }) => version))
  const over = new Set(orders.map(({ order }) => order.version).filter((version) => !again.has(version)))
  const rest = (remembered.stagingRequests.recall(journal) ?? []).filter((version) => !over.has(version))
  remembered.stagingRequests.remember(journal, rest.length > 0 ? rest : undefined)
}
