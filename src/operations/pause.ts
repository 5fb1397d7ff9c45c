/** Why rollouts or a node are paused: what is remembered of it, and what people read. */

/** What is remembered of a pause, and its answer: `rollouts are paused: guests`. */
export function pausing(reason: string | undefined): string {
  const given = withoutWord(reason ?? '')
  return given === '' ? 'rollouts are paused' : `rollouts are paused: ${given}`
}

/** Why nothing is started, as a sentence. Records of earlier releases say `paused: guests`. */
export function describePause(remembered: string): string {
  return remembered.startsWith('paused: ') ? pausing(remembered) : remembered
}

/** The reason alone, for where it stands beside the word: `guests`. */
export function pauseReasonOf(remembered: string | undefined): string | undefined {
  return remembered === undefined ? undefined : reasonIn(remembered) || 'no reason given'
}

function reasonIn(remembered: string): string {
  return withoutWord(remembered.replace(/^rollouts are paused(?:: |$)/, ''))
}

/** A person may say the word themselves: `rollout pause "paused: guests"`. */
export function withoutWord(reason: string): string {
  return reason.replace(/^(?:paused: *)+/i, '')
}
