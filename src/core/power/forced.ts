/** The words for FSD on mains power: of a UPS, or of the server that reports it, in words that fit after its name. */

/** Nothing has confirmed it: it is no request to shut down so far. */
export const forcedWords = 'reports a forced shutdown (FSD) on mains power, and nothing has confirmed it so far'

/** It is left over: upsd keeps FSD for as long as it runs (networkupstools/nut #3574). */
export const latchedWords = 'still reports a forced shutdown (FSD) on mains power, and does so until upsd is restarted'

/** What to do about a latch. */
export const clearLatch = 'Restart upsd on its server: until then every client that connects shuts down'
