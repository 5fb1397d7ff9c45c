const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `10m` → 600,000 ms. Undefined where the text isn't a number followed by ms, s, m, h or d. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  // Timers take whole numbers only.
  return match ? Math.round(Number(match[1]) * units[match[2] as keyof typeof units]) : undefined
}

/** For people: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. `ms` is in milliseconds. */
export function describeDuration(ms: number): string {
  if (ms < 1_000) return Math.round(ms) <= 0 ? '0 s' : `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  const days = Math.floor(hours / 24)
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`
}

/**
 * How long an answer was waited for, as it follows "did not answer": `within 10 s`. Coarse, so that the same timeout has
 * the same words each time; `in time` where it was hardly waited at all. `ms` is in milliseconds.
 */
export function notWithin(ms: number): string {
  if (ms < 25) return 'in time'
  return `within ${describeDuration(ms < 950 ? Math.round(ms / 50) * 50 : Math.round(ms / 1_000) * 1_000)}`
}

/** Where seconds count: `285 s`; from ten minutes on they do no more: `58 min`. `ms` is in milliseconds. */
export function describeClosely(ms: number): string {
  return ms < 600_000 ? inSeconds(ms) : describeDuration(ms)
}

/** Two durations that are compared; in seconds where they differ and would read alike. In milliseconds. */
export function describeBoth(one: number, other: number): readonly [string, string] {
  const texts = [describeClosely(one), describeClosely(other)] as const
  const exact = [inSeconds(one), inSeconds(other)] as const
  return texts[0] === texts[1] && exact[0] !== exact[1] ? exact : texts
}

/** In whole seconds, as a UPS or a setting has it: `3480 s`. `ms` is in milliseconds. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
