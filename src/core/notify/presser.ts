import type { Requester } from '../requester.ts'

/** What is known of whoever has pressed a button. */
export interface Presser {
  /** Who, as the channel or the door knows them: `@alice`. */
  readonly who?: string | undefined
  /** The address of the machine that it was pressed on. */
  readonly from?: string | undefined
}

/**
 * Whoever has pressed a button of a message, as the journal names them: `@alice with a button of channel phone`. That it
 * was offered there is proven by its signature; where nobody tells who has pressed it, whoever reads the channel may have.
 */
export function presserOf(channel: string, { who, from }: Presser): Requester {
  const somebody = from === undefined ? 'somebody' : `somebody at ${from}`
  return { name: `${who ?? somebody} with a button of channel ${channel}`, verified: true }
}
