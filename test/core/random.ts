/** Numbers that look random and are the same for the same seed (mulberry32, public domain). */
export function createRandom(seed: number) {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(fraction() * limit)
  return {
    below,
    chance: (probability: number): boolean => fraction() < probability,
    pick: <T>(from: readonly T[]): T => from[below(from.length)]!,
  }
}

export type Random = ReturnType<typeof createRandom>
