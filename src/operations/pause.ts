import type { Journal } from '../core/journal.ts'
import type { Pause } from '../core/upgrade/paused.ts'
import { describeTime } from '../core/time.ts'
import { type Origin, remembered } from './facts.ts'

/** Why rollouts or a node are paused: what is remembered of it, and what people read. */

/** What is remembered of a pause, and its answer: `rollouts are paused: guests`. */
export function pausing(reason: string | undefined): string {
  const given = withoutWord(reason ?? '')
  return given === '' ? 'rollouts are paused' : `rollouts are paused: ${given}`
}

export function rememberPause(journal: Journal, paused: string, origin: Origin): void {
  remembered.paused.remember(journal, paused)
  remembered.pausedBy.remember(journal, origin)
}

export function withdrawPause(journal: Journal): void {
  remembered.paused.remember(journal, undefined)
  remembered.pausedBy.remember(journal, undefined)
}

/** Why nothing is started, as a sentence, without who said so. Records of earlier releases say `paused: guests`. */
export function pausedAs(journal: Journal): string | undefined {
  const paused = remembered.paused.recall(journal)
  return paused?.startsWith('paused: ') ? pausing(paused) : paused
}

/**
 * Why nothing is started, since when and who said so: `rollouts are paused since 2026-07-15 10:00 CEST by
 * admin@nas (unverified): guests`. Undefined where rollouts are not paused.
 */
export function describePause(journal: Journal, zone: string): string | undefined {
  const sentence = pausedAs(journal)
  const origin = remembered.pausedBy.recall(journal)
  if (sentence === undefined || origin === undefined) return sentence
  return sentence.replace(
    /^rollouts are paused/,
    () => `rollouts are paused since ${describeTime(origin.at, zone)} by ${origin.by}`,
  )
}

/** The pause as it is answered: its reason stands beside the word. */
export function pauseIn(journal: Journal): Pause | undefined {
  const paused = remembered.paused.recall(journal)
  if (paused === undefined) return undefined
  const origin = remembered.pausedBy.recall(journal)
  const reason = withoutWord(paused.replace(/^rollouts are paused(?:: |$)/, '')) || 'no reason given'
  return { reason, ...(origin === undefined ? {} : { by: origin.by, since: origin.at }) }
}

/** A person may say the word themselves: `rollout pause "paused: guests"`. */
export function withoutWord(reason: string): string {
  return reason.replace(/^(?:paused: *)+/i, '')
}
