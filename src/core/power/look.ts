import { depletionOf, withSample } from './battery.ts'
import { nextFailures } from './flapping.ts'
import { asReported, dropOf, isDropNew, plausible, type Transfer } from './figures.ts'
import { lengthAt, nextSpell } from './spell.ts'
import { type BatteryUse, type Heard, type PowerState, useOf } from './state.ts'
import { evidenceOf, type Evidence } from './tokens.ts'
import { type Fall, fallOf, nextTrend } from './trend.ts'
import { criticalReason, type CriticalReason, isBelow, isPurpose, isShortOf, type PowerPolicy } from './triggers.ts'
import { has, isDoubted, isOnPurpose, type Observation, type UpsReading } from './ups.ts'

/** Before this a figure is compared with itself, in ms: as long ago as the battery's samples go. */
const anEarlierTime = 110_000

type Answer = Exclude<Observation, { kind: 'silence' }>

/** What a UPS says now, and what is believed of it. */
export interface Look {
  readonly at: number
  /** What it comes to: figures may contradict OL. */
  readonly evidence: Evidence
  readonly heard: Heard
}

export function lookAt(state: PowerState, seen: Answer, policy: PowerPolicy): Look {
  const { at } = seen
  const before = state.mode !== 'unknown' && state.reading ? { ...state, reading: state.reading } : undefined
  const use = useOf(state)
  const raw = readingAfter(state, seen)
  const said = evidenceOf(raw.status)
  const transfer = nextTransfer(before, at, said)
  const drop = nextDrop(before, at, raw)
  const reading = plausible(raw, policy.trust, {
    reading: before?.reading,
    earlier: use?.samples.find((one) => at - one.at >= anEarlierTime),
    onBatteryFor: use && lengthAt(use.battery, at),
    transfer: transfer && { ...transfer, ago: at - transfer.at },
    drop: drop && { ...drop, ago: at - drop.at },
  })
  // What a self-test took from the battery is no fall of its own.
  const isTestOver = before && isOnPurpose(before.reading) && !isOnPurpose(reading)
  const known = 'trend' in state ? state.trend : undefined
  const trend = nextTrend(isTestOver ? undefined : known, at, reading)
  const fall = fallOf(trend, reading)
  const isInferred = said !== 'battery' && contradicted(reading, fall, policy)
  const evidence = isInferred ? 'battery' : said
  const failures = isOnPurpose(reading) ? before?.failures : nextFailures(before?.failures, at, evidence)
  const lastOnBattery = evidence === 'battery' ? at : before?.lastOnBattery
  const heard: Heard = {
    lastHeard: at,
    reading,
    figuresAt: seen.kind === 'reading' ? at : (before?.figuresAt ?? at),
    ...(lastOnBattery === undefined ? {} : { lastOnBattery }),
    ...(trend === undefined ? {} : { trend }),
    ...(fall === undefined ? {} : { fall }),
    ...(isInferred ? { isInferred } : {}),
    ...(failures === undefined ? {} : { failures }),
    ...(transfer === undefined ? {} : { transfer }),
    ...(drop === undefined ? {} : { drop }),
  }
  return { at, evidence, heard }
}

/** The transfer to battery; undefined on mains power, and where nothing was known before it. */
function nextTransfer(
  before: Partial<Pick<Heard, 'reading' | 'transfer'>> | undefined,
  at: number,
  said: Evidence,
): Transfer | undefined {
  if (said === 'mains' || before?.transfer !== undefined) return said === 'mains' ? undefined : before?.transfer
  if (said !== 'battery' || before?.reading === undefined) return undefined
  // A battery that was in use before this transfer was noted was so at the start.
  if (evidenceOf(before.reading.status) === 'battery') return undefined
  const { charge, runtime } = before.reading
  return { at, ...(charge === undefined ? {} : { charge }), ...(runtime === undefined ? {} : { runtime }) }
}

/** The fall to nothing that is seen now, or was a moment ago; undefined on mains power, where it starts nothing. */
function nextDrop(
  before: (Pick<Heard, 'reading' | 'drop'> & Partial<Pick<Heard, 'figuresAt'>>) | undefined,
  at: number,
  raw: UpsReading,
): Transfer | undefined {
  // What falls as the battery comes into use has limits of its own.
  const isInUse = before !== undefined && [before.reading, raw].every(({ status }) => evidenceOf(status) === 'battery')
  if (!isInUse) return undefined
  if (before.drop !== undefined && isDropNew(at - before.drop.at)) return before.drop
  return dropOf(before, at, raw)
}

/** What the UPS says now: a status alone leaves the figures as they were. Nothing is judged. */
export function readingAfter(state: PowerState, seen: Answer): UpsReading {
  if (seen.kind === 'reading') return seen.reading
  const before = 'reading' in state ? state.reading : undefined
  return { ...(before && asReported(before)), status: seen.status }
}

/** Whether the battery empties although the UPS reports mains power, and has emptied so far that it counts. */
function contradicted(reading: UpsReading, fall: Fall | undefined, policy: PowerPolicy): boolean {
  if (policy.onBatteryBelow === undefined || !fall) return false
  if ((has(reading, 'LB') && !isDoubted(reading)) || isBelow(reading.charge, policy.onBatteryBelow)) return true
  // Time is left for a shutdown, and not for much more.
  const { minimumRuntime = 0 } = policy
  return fall.of === 'runtime' && isBelow(reading.runtime, 2 * minimumRuntime)
}

/** A battery that has just come into use. */
export function newUse(at: number): BatteryUse {
  return { battery: { since: at, lasted: 0, at, isSo: true }, samples: [] }
}

/** What the use of the battery comes to with this look; undefined where it has ended for good. */
export function nextUse(
  before: BatteryUse | undefined,
  { at, heard: { reading, figuresAt } }: Look,
  policy: PowerPolicy,
  isOnBattery: boolean,
): BatteryUse | undefined {
  const look = { at, clearsAfter: policy.onMainsAfter }
  const battery = nextSpell(before?.battery, { ...look, isSo: isOnBattery })
  if (!battery) return undefined
  const isLow = isOnBattery && has(reading, 'LB') && !isPurpose(reading, battery.lasted) && !policy.ignoreLowBattery
  const low = nextSpell(before?.low, { ...look, isSo: isLow })
  const samples = isOnBattery ? withSample(before?.samples ?? [], at, reading) : (before?.samples ?? [])
  // A figure is as low in a moment of mains power as it was before it.
  const isShort = isShortOf(reading, policy, depletionOf(samples, battery.since))
  // A status alone confirms no figure: the time that one has been low ends when it was read.
  const short = nextSpell(before?.short, { ...look, at: isShort ? figuresAt : at, isSo: isShort, isStrict: true })
  return { battery, samples, ...(low ? { low } : {}), ...(short ? { short } : {}) }
}

/** The most severe reason to shut down, if there is one. */
export function reasonFor(
  use: BatteryUse,
  { heard: { reading } }: Look,
  policy: PowerPolicy,
): CriticalReason | undefined {
  return criticalReason(
    reading,
    {
      onBatteryFor: use.battery.lasted,
      lowFor: use.low?.isSo ? use.low.lasted : undefined,
      shortFor: use.short?.isSo ? use.short.lasted : undefined,
      depletion: depletionOf(use.samples, use.battery.since),
    },
    policy,
  )
}

/** Whether the battery is in no state to carry what is connected to it, whatever feeds it now. */
export function isLow(reading: UpsReading, policy: PowerPolicy): boolean {
  if (has(reading, 'LB') && !policy.ignoreLowBattery) return true
  return isShortOf(reading, policy) || isBelow(reading.charge, reading.chargeLow)
}

/**
 * From here on the battery is in use because it has to be. Only where the purpose itself has ended: one that lasts for
 * longer than allowed keeps counting from its start.
 */
export function isPurposeOver(state: PowerState, reading: UpsReading): boolean {
  const use = useOf(state)
  if (!use || !('reading' in state) || state.reading === undefined) return false
  return isPurpose(state.reading, use.battery.lasted) && !isOnPurpose(reading)
}
