import { AgentError } from '../../core/errors.ts'

/** More than any UPS has to say in one line, in bytes. upsd's own words end at 512 characters (common/parseconf.c). */
export const longestLine = 8_192

const lineFeed = 0x0a
/** So many lines in a row without a word are no answer any more: they cost as much as others, and end no waiting. */
const mostEmpty = 1_000

export interface Lines {
  /** Whether part of a line has come, and not its end. */
  readonly isPartial: boolean
  /**
   * The lines that a chunk completes, without their LF. Invalid UTF-8 becomes �: vendor names may have any encoding.
   *
   * @throws AgentError `malformed` for a line without end, for a NUL, which is never text, and for nothing but empty lines
   */
  push(chunk: Uint8Array): string[]
}

/** Splits what upsd at `at` sends into lines. Buffers at most one line. */
export function createLines(at: string, longest: number = longestLine): Lines {
  // Of a fixed size, and copied into: pieces of one byte each would hold on to a whole packet.
  const partial = Buffer.allocUnsafe(longest)
  let length = 0
  let empty = 0

  function keep(piece: Uint8Array): void {
    if (length + piece.length > longest) throw new AgentError('malformed', `upsd at ${at} sends an endless line`)
    if (piece.includes(0)) throw new AgentError('malformed', `upsd at ${at} sends bytes that are not text`)
    partial.set(piece, length)
    length += piece.length
  }

  return {
    get isPartial() {
      return length > 0
    },
    push(chunk) {
      const lines: string[] = []
      let from = 0
      for (let to = chunk.indexOf(lineFeed); to !== -1; to = chunk.indexOf(lineFeed, from)) {
        keep(chunk.subarray(from, to))
        const line = partial.toString('utf8', 0, length)
        empty = line.trim() === '' ? empty + 1 : 0
        if (empty > mostEmpty) throw new AgentError('malformed', `upsd at ${at} sends nothing but empty lines`)
        lines.push(line)
        length = 0
        from = to + 1
      }
      keep(chunk.subarray(from))
      return lines
    },
  }
}
