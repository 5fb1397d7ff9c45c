/** In ns. */
const units: Readonly<Record<string, number>> = {
  h: 3_600_000_000_000,
  m: 60_000_000_000,
  s: 1_000_000_000,
  ms: 1_000_000,
  us: 1_000,
  µs: 1_000,
  ns: 1,
}

/** In characters. */
const longest = 64

/**
 * A duration as Talos writes it, from what it reads: `2m` is `2m0s`, and `90m` is `1h30m0s` (Go, time.ParseDuration and
 * Duration.String). Undefined where it is none. Fractions of a nanosecond are dropped.
 */
export function goDuration(text: string): string | undefined {
  if (text.length > longest) return undefined
  const match = /^([-+]?)(0|(?:(?:\d{1,19}(?:\.\d{0,19})?|\.\d{1,19})(?:h|ms|m|s|us|µs|μs|ns)){1,16})$/.exec(text)
  if (!match) return undefined
  let nanoseconds = 0
  for (const [, number = '', unit = ''] of match[2]!.matchAll(/([\d.]{1,40})([a-zµμ]{1,2})/g))
    nanoseconds += Number(number) * units[unit.replace('μ', 'µ')]!
  const whole = Math.trunc(nanoseconds)
  return `${match[1] === '-' && whole > 0 ? '-' : ''}${write(whole)}`
}

function write(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  for (const unit of ['ns', 'µs', 'ms'] as const)
    if (nanoseconds < units[unit]! * 1_000) return `${nanoseconds / units[unit]!}${unit}`
  const seconds = nanoseconds / units['s']!
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  const rest = Math.round((seconds % 60) * 1e9) / 1e9
  return hours > 0 ? `${hours}h${minutes}m${rest}s` : minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`
}
