/** What a machine writes on its screen, and what its kernel's log keeps. */
export interface MachineConsole {
  readonly lines: readonly string[]
  print(line: string): void
  /** A failure that is tried again: it is written once for each text, as long as `fresh` is not called. */
  printOnce(line: string): void
  fresh(): void
  /** Called with each line from now on. */
  onLine(listener: (line: string) => void): () => void
  /** The machine boots. */
  clear(): void
}

export function createConsole(): MachineConsole {
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  let said = new Set<string>()
  const print = (text: string) => {
    for (const line of text.split('\n')) {
      lines.push(line)
      for (const listener of listeners) listener(line)
    }
  }
  return {
    lines,
    print,
    printOnce(line) {
      if (said.has(line)) return
      said.add(line)
      print(line)
    },
    fresh: () => void (said = new Set()),
    onLine(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    clear() {
      lines.length = 0
      said = new Set()
    },
  }
}
