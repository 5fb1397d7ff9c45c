/** Those who want to hear of something. */
export interface Listeners<T> {
  /** Calls each of them. One that throws affects no other, nor whoever tells. */
  tell(value: T): void
  /** Called with everything that is told from now on, until it is disposed of. */
  subscribe(listener: (value: T) => void): Disposable
}

export function createListeners<T>(): Listeners<T> {
  const all = new Set<(value: T) => void>()
  return {
    tell: (value) => {
      for (const listener of all) {
        try {
          listener(value)
        } catch {
          // What it does with it is its own affair.
        }
      }
    },
    subscribe: (listener) => {
      // The same listener twice is two subscriptions.
      const own = (value: T) => listener(value)
      all.add(own)
      return { [Symbol.dispose]: () => void all.delete(own) }
    },
  }
}
