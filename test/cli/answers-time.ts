/** The time at which everything here is so. */
export const present = '2026-11-26T21:40:00Z'
/** So many minutes before that. */
export const ago = (minutes: number) => new Date(Date.parse(present) - minutes * 60_000).toISOString()
