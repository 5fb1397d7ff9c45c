const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1_000,
  M: 1_000_000,
  G: 1_000_000_000,
  ki: 1_024,
  Mi: 1_048_576,
  Gi: 1_073_741_824,
}

/** Bytes a second of a text such as `20MB/s`; undefined where it is none, or none at all. */
export function rate(text: string): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kKMG]i?)?B\/s\s*$/.exec(text) ?? []
  const factor = units[unit.replace('K', 'k')]
  const bytes = number === undefined || factor === undefined ? 0 : Number(number) * factor
  return bytes >= 1_024 && Number.isFinite(bytes) ? Math.round(bytes) : undefined
}
