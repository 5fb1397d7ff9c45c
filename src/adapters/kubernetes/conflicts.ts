import { setTimeout as sleep } from 'node:timers/promises'
import { ApiRefusal } from './api.ts'

/** The first pause at most, and the longest, in ms. */
const firstPause = 20
const longestPause = 500
/** Some seconds of an object that somebody writes without a pause. */
const mostTries = 20

/**
 * Does it again, from reading the object on, while its write loses against another one (409). The pauses
 * double, and are of random length, so that two who write in step fall out of it. Ends with the signal, with the
 * conflict as the reason.
 */
export async function despiteConflicts<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  let lost: ApiRefusal | undefined
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      // A try that the signal cut off says nothing; the conflict before it does.
      if (lost && signal.aborted) throw lost
      if (!(error instanceof ApiRefusal) || error.status !== 409 || tries >= mostTries) throw error
      lost = error
      const pause = Math.min(longestPause, firstPause * 2 ** (tries - 1))
      await sleep(pause * Math.random(), undefined, { signal }).catch(() => {})
      if (signal.aborted) throw error
    }
  }
}
