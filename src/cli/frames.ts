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
      const lines = text.split('\n').slice(0, Math.max(1, (stdout.rows || Number.POSITIVE_INFINITY) - 1))
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`
      const begin = isWhole ? '\u001b[H' : `${up}\r`
      output.frame(`${begin}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
      drawn = lines.length
    },
    [Symbol.dispose]: () => output.frame(`\u001b[?7h\u001b[?25h${isWhole ? '\u001b[?1049l' : ''}`),
  }
}
