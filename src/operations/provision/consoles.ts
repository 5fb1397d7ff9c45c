import { printable } from '../../core/printable.ts'

/** So many lines are kept of each machine, of so many machines; and so many characters of a line. */
const most = { lines: 500, machines: 32, letters: 500 }

/** What machines that wait in maintenance show on their screens. Strangers say it: it is cleaned, bounded, and never believed. */
export interface Consoles {
  line(address: string, text: string): void
  /** The oldest line first. */
  of(address: string): readonly string[]
}

export function createConsoles(): Consoles {
  const known = new Map<string, string[]>()
  return {
    line(address, text) {
      const lines = known.get(address) ?? []
      // Who spoke last stands last.
      known.delete(address)
      known.set(address, lines)
      lines.push(printable(text.slice(0, most.letters)).trimEnd())
      if (lines.length > most.lines) lines.splice(0, lines.length - most.lines)
      const [oldest] = known.keys()
      if (known.size > most.machines && oldest !== undefined) known.delete(oldest)
    },
    of: (address) => known.get(address) ?? [],
  }
}
