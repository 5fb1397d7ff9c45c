/** What is done once for all that happens together. */
export interface Gathering extends Disposable {
  /** Something has happened: it is done in a moment. */
  soon(): void
}

export interface Pace {
  /** Between what happens and what is done, in ms: what comes meanwhile counts with it. */
  readonly within: number
  /** Between what is done and what is done next at least, in ms. */
  readonly apart: number
}

/** @param monotonic in ms */
export function createGathering({ within, apart }: Pace, work: () => void, monotonic: () => number): Gathering {
  let timer: NodeJS.Timeout | undefined
  let next = -Infinity
  return {
    soon: () => {
      timer ??= setTimeout(
        () => {
          timer = undefined
          next = monotonic() + apart
          work()
        },
        Math.max(within, next - monotonic()),
      ).unref()
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
