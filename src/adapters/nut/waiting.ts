import type { AgentError } from '../../core/errors.ts'
import type { Dialect } from './dialect.ts'
import type { Hiding } from './repeated.ts'

/** A line that a server has sent. */
export interface AnswerLine {
  readonly text: string
  readonly words: readonly string[]
}

/** A command that has no answer yet. */
export interface Waiting {
  readonly command: string
  readonly doing: string
  /** `LIST VAR ups`, as words: BEGIN and END repeat them. Undefined where one line is the answer. */
  readonly list: readonly string[] | undefined
  readonly lines: AnswerLine[]
  isBegun: boolean
  isSent: boolean
  /** It was sent while another one had no answer yet. */
  isBehind: boolean
  readonly resolve: (lines: AnswerLine[]) => void
  readonly reject: (error: AgentError) => void
  deadline: NodeJS.Timeout | undefined
  /** Until a list without END counts as complete. */
  pause: NodeJS.Timeout | undefined
}

/** Why a conversation ended. */
export type Cause = 'silence' | 'misfit' | 'loss' | 'our own'

/** The longest list that is accepted, in lines. */
const longestList = 5_000
/** No clock runs for it any more. */
export function calm({ deadline, pause }: Waiting): void {
  clearTimeout(deadline)
  clearTimeout(pause)
}

/** `BEGIN LIST VAR ups`, or the beginning of it. Servers repeat our spelling or their own, so the case says nothing. */
function isFrame([first, ...words]: readonly string[], frame: 'BEGIN' | 'END', list: readonly string[]): boolean {
  return (
    first?.toUpperCase() === frame &&
    words.length <= list.length &&
    words.every((word, index) => isSameName(word, list[index]!))
  )
}

/** Whether a server that says `echoed` means what was asked for: in any case, and with or without its host. */
export function isSameName(echoed: string, asked: string): boolean {
  const [own, other] = [echoed, asked].map((name) => name.toLowerCase())
  return own === other || (own!.startsWith(`${other}@`) && other !== '')
}

/**
 * Takes a line of the list that is waited for: 'over' is its END.
 *
 * @throws AgentError `malformed` for what does not belong to it
 */
export function takeListLine(
  waiting: Waiting,
  list: readonly string[],
  line: AnswerLine,
  { misfit }: Pick<Hiding, 'misfit'>,
): 'more' | 'over' {
  const { words, text } = line
  const amiss = () => misfit(`answers ${waiting.doing} with`, text)
  if (!waiting.isBegun) {
    if (!isFrame(words, 'BEGIN', list) || words.length !== list.length + 1) throw amiss()
    waiting.isBegun = true
    return 'more'
  }
  // Some servers repeat only a part of the question, or nothing.
  if (isFrame(words, 'END', list)) return 'over'
  // `VAR ups …` in a `LIST VAR`: anything else belongs to another question.
  if (words[0]?.toUpperCase() !== list[1]) throw amiss()
  waiting.lines.push(line)
  if (waiting.lines.length > longestList) throw misfit('sends an endless list')
  return 'more'
}

/** Whether the end of a conversation says that commands which are sent together are not all answered. */
export function arePipelinedLost(queue: readonly Waiting[], cause: Cause, { pipelining }: Dialect): boolean {
  if (cause === 'our own' || !queue.some(({ isBehind }) => isBehind)) return false
  // Others than the first are lost.
  const isAnswered = queue[0]!.isBehind
  // Once commands were answered together, only silence after an answer says that they no longer are.
  return pipelining === 'untried' ? isAnswered || cause !== 'loss' : isAnswered && cause === 'silence'
}
