/**
 * What `expect.poll` and `vi.waitFor` may take. A busy machine delays everything, and to fail sooner is of no use: only
 * what never comes is to fail.
 */
export const patience = { timeout: 180_000, interval: 10 }

/** The limit of one call, in ms: by default what only a call that never ends exceeds. */
export const soon = (ms = patience.timeout): AbortSignal => AbortSignal.timeout(ms)
