import { assertNever } from '../errors.ts'
import { isLow, isPurposeOver, type Look, lookAt, newUse, nextUse, reasonFor } from './look.ts'
import { forcedWithin } from './memory.ts'
import { lengthAt } from './spell.ts'
import { type BatteryUse, type Heard, type PowerState, unclear, useOf } from './state.ts'
import type { Evidence } from './tokens.ts'
import { type CalledOff, type CriticalReason, isCalledOff, isPurpose, type PowerPolicy } from './triggers.ts'
import { has, type Observation } from './ups.ts'

/** FSD that stays after a shutdown is a latch after this, and FSD that nothing has confirmed after that. In ms. */
const latchAfter = 5 * 60_000
const confirmWithin = 15 * 60_000
/** What only hints at mains power is believed after this, in ms. */
const likelyAfter = 5 * 60_000
/** A status that says nothing of mains power ends a time on battery without a limit of its own, in ms. */
const unclearAfter = 15 * 60_000
/** Mains power that had just come back when the UPS fell silent has not lasted, in ms. */
const silentAfter = 5_000

/**
 * | from       | seen                                                                            | to                   |
 * |------------|---------------------------------------------------------------------------------|----------------------|
 * | unknown    | OL                                                                              | on-mains             |
 * | unknown    | OB; the same with an open outage                                                | on-battery; critical |
 * | unknown    | FSD OL: left over from before, upsd keeps it                                    | latched              |
 * | unknown    | FSD OL, and before the restart it was on battery, or on mains, without FSD      | critical; forced     |
 * | unknown    | FSD OL in the middle of a shutdown, as before the restart                       | critical             |
 * | unknown    | silence; the same for `deadTime` while nodes were stopping                       | unknown; critical    |
 * | on-mains   | OB for `onBatteryAfter`, moments of OL not counted                              | on-battery           |
 * | on-mains   | OB LB for `lowBatteryAfter`, OB FSD                                             | critical             |
 * | any        | no OB while the charge falls, below `onBatteryBelow` or with LB                 | as OB                |
 * | on-mains   | FSD OL within minutes of a moment on battery, or with low figures               | critical             |
 * | on-mains   | FSD OL otherwise; after a silence of more than `deadTime`                       | forced; latched      |
 * | on-mains   | silence                                                                         | on-mains             |
 * | on-mains   | silence, and OB was the last word `onBatteryAfter` ago                          | on-battery           |
 * | on-battery | OL for `onMainsAfter`, or silence for `deadTime` after OL                       | on-mains             |
 * | on-battery | LB for `lowBatteryAfter`, FSD, charge, runtime, depletion or time beyond policy | critical             |
 * | on-battery | silence for `deadTime`                                                          | critical             |
 * | on-battery | the same again, or less severe, after a person has cancelled it                 | on-battery           |
 * | critical   | OL without FSD for `onMainsAfter`                                               | on-mains             |
 * | critical   | FSD OL for `latchAfter`                                                         | latched              |
 * | critical   | anything else                                                                   | critical             |
 * | forced     | silence, OB, LB, a low charge or runtime                                        | critical             |
 * | forced     | OL without FSD; FSD OL for `confirmWithin`                                      | on-mains; latched    |
 * | latched    | OL without FSD                                                                  | on-mains             |
 * | latched    | OB                                                                              | as from on-battery   |
 *
 * Silence proves nothing: it never starts a shutdown from mains and never cancels one. `WAIT`, or an empty status, is upsd
 * without data, and counts as silence, unless its figures show that the battery empties. A status that says nothing of mains power is neither: the last known state
 * holds, its figures count, and what hints at mains power is believed once it lasts (`tokens.ts`). CAL, a calibration, is
 * on battery on purpose: only FSD and silence make it critical, and what comes after it counts from its end. So is a
 * self-test, for as long as one may last: a result that stays `In progress` must not disarm anything. OFF, BYPASS, ALARM
 * and whatever else stands in the status decide nothing beside OL and OB.
 */
export function nextPowerState(state: PowerState, seen: Observation, policy: PowerPolicy): PowerState {
  if (seen.kind === 'silence') return afterSilence(state, seen.at, seen.why, policy)
  const look = lookAt(state, seen, policy)
  const { evidence } = look
  if (has(look.heard.reading, 'FSD') && evidence !== 'battery') {
    // FSD stands for OB LB where nothing speaks against it.
    const isUsed = has(look.heard.reading, 'LB') || useOf(state)?.battery.isSo === true
    if (!isMains(evidence) && isUsed) return afterBattery(state, look, policy)
    const isKnown = state.mode === 'on-mains' || state.mode === 'on-battery'
    if (isMains(evidence) || isKnown) return afterForced(state, look, policy)
  }
  switch (evidence) {
    case 'no-data':
      return afterNoData(state, look, policy)
    case 'battery':
      return afterBattery(state, look, policy)
    case 'mains':
      return afterMains(state, look, policy)
    case 'likely-mains':
    case 'unclear':
      return afterUnclear(state, look, policy)
    default:
      return assertNever(evidence)
  }
}

function afterSilence(state: PowerState, at: number, why: string, policy: PowerPolicy): PowerState {
  switch (state.mode) {
    case 'unknown':
      if (state.openOutage && !state.nodesAreDown && at - state.since > policy.deadTime)
        return critical('outage-resumed', at, { lastHeard: state.since }, newUse(state.since))
      return { ...state, why }
    case 'on-battery': {
      // Mains power was the last word, and silence proves nothing.
      if (state.mainsSince !== undefined)
        return at - state.lastHeard <= policy.deadTime ? state : onMains(state.mainsSince, heardIn(state))
      const onBatteryFor = lengthAt(state.battery, at)
      const isTooLong = isMoreThan(onBatteryFor, policy.maxOnBattery) && !isPurpose(state.reading, onBatteryFor)
      const isSilent = at - state.lastHeard > policy.deadTime
      const reason = isSilent ? 'silent-on-battery' : isTooLong ? 'on-battery-too-long' : undefined
      if (reason === undefined || isCalledOff(reason, state.calledOff)) return state
      return critical(reason, at, heardIn(state), state)
    }
    case 'on-mains': {
      // The server that reported OB may be the first to lose its power.
      if (state.use?.battery.isSo && lengthAt(state.use.battery, at) >= policy.onBatteryAfter)
        return onBattery(heardIn(state), state.use)
      return at - state.lastHeard > policy.deadTime ? { ...state, isSilent: true } : state
    }
    case 'critical': {
      if (state.mainsSince === undefined || at - state.lastHeard <= silentAfter) return state
      // Whether FSD is left over counts on.
      if (state.reading && has(state.reading, 'FSD')) return state
      const { mainsSince: _, ...rest } = state
      return rest
    }
    case 'forced':
      return critical('forced-shutdown', at, heardIn(state), newUse(state.lastHeard))
    case 'latched':
      return state
    default:
      return assertNever(state)
  }
}

/** The UPS server answers, and knows no status: that is silence. Its figures may tell that the battery empties all the same. */
function afterNoData(state: PowerState, { at, heard }: Look, policy: PowerPolicy): PowerState {
  const known = state.mode === 'unknown' || state.mode === 'on-mains' ? withTrend(state, heard) : state
  return afterSilence(known, at, 'the UPS server has no data yet', policy)
}

function withTrend<State extends object>(state: State, { trend }: Pick<Heard, 'trend'>): State {
  return trend === undefined ? state : { ...state, trend }
}

/** OL without FSD. */
function afterMains(state: PowerState, look: Look, policy: PowerPolicy): PowerState {
  const { at, heard } = look
  switch (state.mode) {
    case 'critical':
    case 'on-battery': {
      const mainsSince = state.mainsSince ?? at
      if (at - mainsSince >= policy.onMainsAfter) return onMains(mainsSince, heard)
      const use = { ...(nextUse(state, look, policy, false) ?? partOf(state)), mainsSince }
      if (state.mode === 'on-battery') return onBattery(heard, use, state.calledOff)
      return critical(state.reason, state.since, heard, use)
    }
    case 'on-mains':
      // The time on mains power starts anew at each moment on battery, believed or not.
      return onMains(
        state.use?.battery.isSo ? at : state.since,
        heard,
        state.use && nextUse(state.use, look, policy, false),
      )
    case 'forced':
    case 'latched':
    case 'unknown':
      return onMains(at, heard)
    default:
      return assertNever(state)
  }
}

/** FSD without OB: a request to shut down, one that something must confirm, or one that is left over. */
function afterForced(state: PowerState, { at, evidence, heard }: Look, policy: PowerPolicy): PowerState {
  const latched = (since = at): PowerState => ({ mode: 'latched', since, ...heard })
  const act = (use: BatteryUse = newUse(at)) => critical('forced-shutdown', at, heard, partOf(use))
  const appeared = (): PowerState => {
    if (policy.obeyForcedShutdown || isLow(heard.reading, policy)) return act()
    return { mode: 'forced', since: at, ...heard }
  }
  switch (state.mode) {
    case 'critical': {
      const mainsSince = state.mainsSince ?? at
      if (at - mainsSince > latchAfter) return latched()
      return critical(state.reason, state.since, heard, { ...state, mainsSince })
    }
    case 'on-battery':
      if (!isCalledOff('forced-shutdown', state.calledOff)) return act(state)
      // A latch, if a person has cancelled this shutdown, once mains power is back.
      return isMains(evidence) ? latched() : onBattery(heard, state, state.calledOff)
    case 'on-mains':
      if (state.use) return act(state.use)
      if (state.lastOnBattery !== undefined && at - state.lastOnBattery <= forcedWithin) return act()
      return at - state.lastHeard > policy.deadTime ? latched() : appeared()
    case 'unknown':
      if (!state.nodesAreDown && at - state.since <= forcedWithin) {
        if (state.wasOnBattery || (state.openOutage && state.wasForced)) return act()
      }
      return state.wasOnMains && at - state.since <= policy.deadTime && !state.openOutage ? appeared() : latched()
    case 'forced':
      if (isLow(heard.reading, policy)) return act()
      return at - state.since > confirmWithin ? latched() : { mode: 'forced', since: state.since, ...heard }
    case 'latched':
      return latched(state.since)
    default:
      return assertNever(state)
  }
}

function afterBattery(state: PowerState, look: Look, policy: PowerPolicy): PowerState {
  const { at, heard } = look
  if (state.mode === 'critical')
    return critical(state.reason, state.since, heard, nextUse(state, look, policy, true) ?? partOf(state))
  if (state.mode === 'forced') return critical('forced-shutdown', at, heard, newUse(at))
  const before = isPurposeOver(state, heard.reading) ? undefined : useOf(state)
  const use = nextUse(before, look, policy, true) ?? newUse(at)
  if (state.mode === 'unknown' && state.openOutage) return critical('outage-resumed', at, heard, use)
  const calledOff = state.mode === 'on-battery' ? state.calledOff : undefined
  const reason = reasonFor(use, look, policy)
  if (reason && !isCalledOff(reason, calledOff)) return critical(reason, at, heard, use)
  // On mains a blip must last before it counts; from anywhere else there is no mains to go back to.
  const isBlip = state.mode === 'on-mains' && use.battery.lasted < policy.onBatteryAfter
  return isBlip ? onMains(state.since, heard, use) : onBattery(heard, use, calledOff)
}

/** The UPS answers, and does not say for certain whether it has mains power: what was known last holds. */
function afterUnclear(state: PowerState, look: Look, policy: PowerPolicy): PowerState {
  const { at, evidence } = look
  const unclearSince = ('unclearSince' in state ? state.unclearSince : undefined) ?? at
  const isBelieved = evidence === 'likely-mains' && at - unclearSince >= likelyAfter
  const heard: Heard = { ...look.heard, unclearSince }
  switch (state.mode) {
    case 'unknown':
      if (isBelieved) return onMains(at, look.heard)
      if (state.openOutage && !state.nodesAreDown && evidence === 'unclear' && at - state.since > policy.deadTime)
        return critical('outage-resumed', at, heard, newUse(state.since))
      return { ...withTrend(state, heard), why: unclear(heard.reading), unclearSince, reading: heard.reading }
    case 'on-mains':
      // OB was the last word, and nothing has contradicted it.
      if (state.use?.battery.isSo && evidence === 'unclear') return afterBattery(state, { ...look, heard }, policy)
      return onMains(state.since, heard, state.use)
    case 'on-battery': {
      if (isBelieved) return onMains(unclearSince, look.heard)
      // Mains power was the last certain word.
      if (state.mainsSince !== undefined && at - state.mainsSince >= policy.onMainsAfter)
        return onMains(state.mainsSince, heard)
      if (evidence === 'likely-mains' || state.mainsSince !== undefined) return onBattery(heard, state, state.calledOff)
      const next = afterBattery(state, { ...look, heard }, policy)
      const isLimitless = policy.maxOnBattery === undefined && at - unclearSince > unclearAfter
      if (next.mode !== 'on-battery' || !isLimitless || isCalledOff('on-battery-too-long', next.calledOff)) return next
      return critical('on-battery-too-long', at, heard, next)
    }
    case 'critical':
      return isBelieved ? onMains(unclearSince, look.heard) : critical(state.reason, state.since, heard, partOf(state))
    case 'forced':
      if (isLow(heard.reading, policy)) return critical('forced-shutdown', at, heard, newUse(at))
      return { mode: 'forced', since: state.since, ...heard }
    case 'latched':
      return { mode: 'latched', since: state.since, ...heard }
    default:
      return assertNever(state)
  }
}

function isMains(evidence: Evidence): boolean {
  return evidence === 'mains' || evidence === 'likely-mains'
}

function onMains(since: number, heard: Heard, use?: BatteryUse): PowerState {
  return { mode: 'on-mains', since, ...heard, ...(use ? { use: partOf(use) } : {}) }
}

function onBattery(heard: Heard, use: BatteryUse, calledOff?: CalledOff): PowerState {
  const off = calledOff === undefined ? {} : { calledOff }
  return { mode: 'on-battery', since: use.battery.since, ...heard, ...partOf(use), ...backIn(use), ...off }
}

function critical(
  reason: CriticalReason,
  since: number,
  heard: Partial<Heard> & Pick<Heard, 'lastHeard'>,
  use: BatteryUse,
): PowerState {
  return { mode: 'critical', since, reason, ...heard, ...partOf(use), ...backIn(use) }
}

function backIn({ mainsSince }: BatteryUse): Pick<BatteryUse, 'mainsSince'> {
  return mainsSince === undefined ? {} : { mainsSince }
}

/** What was heard last, without a doubt about its status: silence says nothing of that. */
function heardIn(heard: Heard): Heard {
  const { lastHeard, reading, figuresAt, lastOnBattery, trend, fall, isInferred, failures, transfer, drop } = heard
  return {
    lastHeard,
    reading,
    figuresAt,
    ...(lastOnBattery === undefined ? {} : { lastOnBattery }),
    ...(trend === undefined ? {} : { trend }),
    ...(fall === undefined ? {} : { fall }),
    ...(isInferred ? { isInferred } : {}),
    ...(failures === undefined ? {} : { failures }),
    ...(transfer === undefined ? {} : { transfer }),
    ...(drop === undefined ? {} : { drop }),
  }
}

function partOf({ battery, low, short, samples }: BatteryUse): BatteryUse {
  return { battery, samples, ...(low ? { low } : {}), ...(short ? { short } : {}) }
}

function isMoreThan(ms: number, most: number | undefined): boolean {
  return most !== undefined && ms > most
}
