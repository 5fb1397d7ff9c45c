/** One that is served at the moment. Times are in ms of a monotonic clock. */
export interface Served {
  /** The machine that it is for, by its card where that is known, else by its address. */
  readonly holder: string
  readonly since: number
  /** Bytes a second, of late. */
  readonly rate: number
}

/** In ms: until then nobody knows how fast it is. */
const grace = 5_000
/** In bytes a second. 128 machines on a network of 100 Mbit/s have three times as much each. */
const slow = 32_768

/**
 * Who makes room for one more where there is none left; undefined where nobody is to. First whoever has more than one over
 * what the newcomer has: so many addresses of one card are one machine. Where all have a place each, a newcomer with none
 * takes that of the slowest which takes next to nothing: firmware of 20 years ago is faster, and whoever reads a byte now
 * and then only wants to keep others out.
 */
export function chooseToLeave<One extends Served>(
  served: readonly One[],
  newcomer: string,
  now: number,
): One | undefined {
  const byHolder = Map.groupBy(served, ({ holder }) => holder)
  const own = byHolder.get(newcomer)?.length ?? 0
  const [most = []] = [...byHolder.values()].toSorted((one, other) => other.length - one.length)
  if (most.length > own + 1) return slowest(most)
  if (own > 0) return undefined
  return slowest(served.filter(({ since, rate }) => now - since > grace && rate < slow))
}

/** Of those that are as slow the one that began first. */
function slowest<One extends Served>(served: readonly One[]): One | undefined {
  return served.toSorted((one, other) => one.rate - other.rate || one.since - other.since)[0]
}

/** How many bytes a second pass, of late. */
export interface Rate {
  add(bytes: number, now: number): void
  at(now: number): number
}

/** In ms: what lies so far back counts a third. */
const fadesIn = 5_000

export function createRate(): Rate {
  let [sum, at] = [0, 0]
  const fade = (now: number) => {
    sum *= Math.exp(-Math.max(0, now - at) / fadesIn)
    at = now
  }
  return {
    add: (bytes, now) => {
      fade(now)
      sum += bytes
    },
    at: (now) => {
      fade(now)
      return sum / (fadesIn / 1_000)
    },
  }
}
