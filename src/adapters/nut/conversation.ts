import { AgentError, messageOf } from '../../core/errors.ts'
import { createLines } from './lines.ts'
import { NutRefusal } from './refusal.ts'
import { splitWords } from './quoting.ts'

/** Commands and answers over one connection. */
export interface Conversation {
  /** Why it ended; undefined while it is open. */
  readonly ended: AgentError | undefined
  /** Ends it; pending commands fail with the reason. */
  end(why: AgentError): void
  /** Data from the connection. */
  receive(chunk: Uint8Array): void
  /** Sends a command that is answered by one line; answers that line's words. `doing` stands for it in errors. */
  ask(command: string, doing?: string): Promise<readonly string[]>
  /** Sends a `LIST …`; answers the words of each line between BEGIN and END. */
  list(command: string): Promise<readonly (readonly string[])[]>
}

export interface ConversationOptions {
  /** `host:port`, for errors. */
  readonly at: string
  /** How long one answer may take, in ms. */
  readonly timeout: number
  readonly write: (text: string) => void
  /** Called once, before pending commands fail. */
  readonly onEnd: () => void
}

interface Waiting {
  readonly doing: string
  /** `LIST VAR ups`, as words: BEGIN and END repeat them. Undefined where one line is the answer. */
  readonly list: readonly string[] | undefined
  readonly lines: string[][]
  isBegun: boolean
  readonly resolve: (lines: string[][]) => void
  readonly reject: (error: AgentError) => void
  deadline: NodeJS.Timeout | undefined
}

/** The longest list that is accepted, in lines. */
const longestList = 5_000

/**
 * Commands are pipelined and answered in order; upsd never speaks first. The protocol has no way to tell a late answer
 * from a missing one, so a command that is not answered within `timeout` ends it all, and so does an answer that does
 * not fit (RFC 9271).
 */
export function createConversation({ at, timeout, write, onEnd }: ConversationOptions): Conversation {
  const queue: Waiting[] = []
  const lines = createLines(at)
  let ended: AgentError | undefined

  function end(why: AgentError): void {
    if (ended) return
    ended = why
    onEnd()
    for (const waiting of queue.splice(0)) {
      clearTimeout(waiting.deadline)
      waiting.reject(ended)
    }
  }

  function receive(chunk: Uint8Array): void {
    try {
      for (const line of lines.push(chunk)) understand(line)
    } catch (error) {
      end(error instanceof AgentError ? error : new AgentError('malformed', messageOf(error)))
    }
  }

  function understand(line: string): void {
    if (line.trim() === '') return
    const waiting = queue[0]
    if (!waiting) throw new AgentError('malformed', `upsd at ${at} sent an unexpected answer: ${line.slice(0, 80)}`)
    const words = splitWords(line)
    if (words[0] === 'ERR') {
      const [, code = 'ERR', ...extra] = words
      return settle((it) => it.reject(new NutRefusal(code, it.doing, at, extra)))
    }
    if (waiting.list === undefined) {
      waiting.lines.push(words)
      return settle((it) => it.resolve(it.lines))
    }
    const amiss = () => new AgentError('malformed', `upsd at ${at} answers ${waiting.doing} with: ${line.slice(0, 80)}`)
    if (!waiting.isBegun) {
      if (!isFrame(words, 'BEGIN', waiting.list)) throw amiss()
      waiting.isBegun = true
      return
    }
    if (isFrame(words, 'END', waiting.list)) return settle((it) => it.resolve(it.lines))
    // `VAR ups …` in a `LIST VAR`: anything else belongs to another question.
    if (words[0]?.toUpperCase() !== waiting.list[1]) throw amiss()
    waiting.lines.push(words)
    if (waiting.lines.length > longestList) throw new AgentError('malformed', `upsd at ${at} sends an endless list`)
  }

  function settle(how: (waiting: Waiting) => void): void {
    const waiting = queue.shift()!
    clearTimeout(waiting.deadline)
    arm()
    how(waiting)
  }

  /** Only the oldest command has a running timeout: upsd has not started on the others. */
  function arm(): void {
    const next = queue[0]
    if (!next || next.deadline) return
    next.deadline = setTimeout(
      () => end(new AgentError('unreachable', `upsd at ${at} did not answer ${next.doing} within ${timeout} ms`)),
      timeout,
    )
  }

  function send(command: string, doing: string, list: readonly string[] | undefined): Promise<string[][]> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      queue.push({ doing, list, lines: [], isBegun: false, resolve, reject, deadline: undefined })
      arm()
      write(`${command}\n`)
    })
  }

  return {
    get ended() {
      return ended
    },
    end,
    receive,
    ask: async (command, doing = command) => (await send(command, doing, undefined))[0]!,
    list: (command) => send(command, command, splitWords(command)),
  }
}

/** `BEGIN LIST VAR ups`. Servers repeat our spelling or their own, so the case says nothing. */
function isFrame(words: readonly string[], frame: 'BEGIN' | 'END', list: readonly string[]): boolean {
  return (
    words[0] === frame &&
    words.length === list.length + 1 &&
    list.every((word, index) => word.toLowerCase() === words[index + 1]!.toLowerCase())
  )
}
