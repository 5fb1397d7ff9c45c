import process from 'node:process'
import { output } from './output.ts'

/** A picture on the terminal that is drawn again and again. */
export interface Frames extends Disposable {
  /** Draws over the picture before, as much of it as the terminal has rows for. */
  draw(text: string): void
}

/**
 * Line by line over the one before, so that nothing flickers (ECMA-48; xterm's modes 7, 25 and 1049). One that `isWhole`
 * has the terminal for itself, and what was there comes back.
 */
export function createFrames({ isWhole = false }: { readonly isWhole?: boolean } = {}): Frames {
  const { stdout } = process
  let drawn = 0
  // Without wrapping, so that a line is a line; without the cursor.
  output.frame(`${isWhole ? '\u001b[?1049h' : ''}\u001b[?7l\u001b[?25l`)
  return {
    draw: (text) => {
      const lines = cut(text.split('\n'), Math.max(1, (stdout.rows || Number.POSITIVE_INFINITY) - 1))
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`
      const begin = isWhole ? '\u001b[H' : `${up}\r`
      output.frame(`${begin}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
      drawn = lines.length
    },
    [Symbol.dispose]: () => output.frame(`\u001b[?7h\u001b[?25h${isWhole ? '\u001b[?1049l' : ''}`),
  }
}

/** As many as there is room for; where some are left out, the last one says so. */
function cut(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines
  return [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`]
}
