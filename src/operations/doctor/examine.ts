import type { Cluster } from '../../core/cluster/cluster.ts'
import { areaOf, type Check, type DoctorReport, isAmong } from '../../core/doctor/check.ts'
import type { DoctorProgress } from '../../core/doctor/requests.ts'
import { foldConsequences } from '../../core/doctor/consequences.ts'
import { eachAtOnce } from '../../core/at-once.ts'
import { AgentError } from '../../core/errors.ts'
import { configLooks } from './configs.ts'
import { clusterLooks } from './cluster.ts'
import { factoryLooks } from './factory.ts'
import { hostLooks } from './hosts.ts'
import { carryOutLook, type DoctorContext, type Look, type Means } from './look.ts'
import { machineLooks } from './machine.ts'
import { nodeLooks } from './nodes.ts'
import { channelLooks } from './notifications.ts'
import { powerLooks } from './power.ts'
import { shareLooks } from './share.ts'

export interface Examination {
  /** Only these checks: ids, their first words, or subjects. All without it. */
  readonly only?: readonly string[] | undefined
  /** Whether a name that nothing has is no mistake. */
  readonly mayLack?: boolean
  /** What was mended before. */
  readonly fixed?: readonly string[]
  /** Called when a look has ended: so many of all, and what is still under way. */
  onProgress?(progress: DoctorProgress): void
}

/** So many looks at a time: some cost a TLS handshake, others a process of ssh. */
const atOnce = 24
/** In ms: whoever has not answered by then is silent. */
const observedWithin = 8_000

/**
 * Looks at everything that Caretaker will use one day, as it will be used, side by side. Nothing hangs longer than its own
 * limit, and nothing is changed but for a small file on the share that is taken away again.
 *
 * @throws AgentError `not-found` where nothing is called as `only` says
 */
export async function examine(
  context: DoctorContext,
  { only, mayLack = false, fixed = [], onProgress }: Examination,
  signal: AbortSignal,
) {
  const [at, begun] = [context.now().toISOString(), context.monotonic()]
  let seen: Promise<Cluster> | undefined
  const means: Means = {
    context,
    machines: context.machines,
    cluster: () => (seen ??= observeTwice(context)),
  }
  const all = looksAt(means)
  const wanted = only === undefined ? all : all.filter((look) => mayBeAmong(look, only))
  const found = new Map<Look, readonly Check[]>()
  const underWay = new Set<Look>()
  const tell = () =>
    onProgress?.({ done: found.size, total: wanted.length, underWay: [...underWay].map(({ id }) => id) })
  const make = async (look: Look) => {
    underWay.add(look)
    tell()
    found.set(look, await carryOutLook(look, signal, context.monotonic))
    underWay.delete(look)
    tell()
  }
  for (const turn of ['first', undefined, 'last'] as const)
    await eachAtOnce(
      atOnce,
      wanted.filter((look) => look.turn === turn),
      make,
    )
  signal.throwIfAborted()
  const checks = foldConsequences(wanted.flatMap((look) => found.get(look) ?? []))
  const asked = only === undefined ? checks : checks.filter((check) => isAmong(check, only))
  if (only !== undefined && !mayLack) refuseUnknown(only, checks, all)
  const report: DoctorReport = {
    at,
    tookMs: Math.round(context.monotonic() - begun),
    checks: asked,
    fixed,
    ...(only === undefined ? {} : { only }),
  }
  return report
}

/** Whoever is silent is asked once more: on a small machine that is busy an answer may be late. */
async function observeTwice({ observe }: DoctorContext): Promise<Cluster> {
  const first = await observe(observedWithin)
  return first.nodes.every(({ talos }) => talos.ok) && first.kubernetes.ok ? first : observe(observedWithin)
}

/** In the order in which they are told: from the Factory to this machine. */
function looksAt(means: Means): readonly Look[] {
  return [
    ...factoryLooks(means),
    ...shareLooks(means),
    ...nodeLooks(means),
    ...clusterLooks(means),
    ...powerLooks(means),
    ...hostLooks(means),
    ...channelLooks(means),
    ...configLooks(means),
    ...machineLooks(means),
  ]
}

/** A look finds several things: it is made where one of them may be asked for. */
function mayBeAmong(look: Look, only: readonly string[]): boolean {
  return only.some((one) => one === look.subject || areaOf({ id: one }) === areaOf(look) || look.subject === '')
}

function refuseUnknown(only: readonly string[], checks: readonly Check[], all: readonly Look[]): void {
  const unknown = only.find((one) => !checks.some((check) => isAmong(check, [one])))
  if (unknown === undefined) return
  const areas = [...new Set(all.map(areaOf))].join(', ')
  throw new AgentError(
    'not-found',
    `there is no check ${unknown}: name one by its id, as the report shows it, by a machine, or one of ${areas}`,
  )
}
