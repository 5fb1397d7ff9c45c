import { AgentError, messageOf } from '../../core/errors.ts'
import { createDialect, type Dialect } from './dialect.ts'
import { createLines } from './lines.ts'
import { looseWords, splitWords } from './quoting.ts'
import { NutRefusal } from './refusal.ts'
import { createHiding } from './repeated.ts'
import { type AnswerLine, arePipelinedLost, calm, type Cause, takeListLine, type Waiting } from './waiting.ts'

/** Commands and answers over one connection. */
export interface Conversation {
  /** Why it ended; undefined while it is open. */
  readonly ended: AgentError | undefined
  /** Ends it; pending commands fail with the reason. */
  end(why: AgentError): void
  /** The connection was lost. */
  lose(why: AgentError): void
  /** Data from the connection. */
  receive(chunk: Uint8Array): void
  /** Sends a command that is answered by one line; answers that line's words. `doing` stands for it in errors. */
  ask(command: string, doing?: string): Promise<readonly string[]>
  /** The same; answers the line itself. */
  askLine(command: string): Promise<AnswerLine>
  /** Sends a `LIST …`; answers the words of each line between BEGIN and END. */
  list(command: string): Promise<readonly (readonly string[])[]>
  /** The same; answers the lines themselves. */
  listLines(command: string): Promise<readonly AnswerLine[]>
}

export interface ConversationOptions {
  /** `host:port`, for errors. */
  readonly at: string
  /** How long one answer may take, in ms. */
  readonly timeout: number
  readonly write: (text: string) => void
  /** Called once, before pending commands fail. */
  readonly onEnd: () => void
  /** What is known of the server; it learns here. A upsd where nothing is said. */
  readonly dialect?: Dialect | undefined
  /** The password that is sent: some servers repeat it. */
  readonly password?: string | undefined
}

/** How long the answer to one of several commands is waited for where it is not known yet that they are all answered, in ms. */
const untriedWithin = 500

/**
 * Commands are pipelined and answered in order; upsd never speaks first. The protocol has no way to tell a late answer
 * from a missing one, so a command that is not answered within `timeout` ends it all, and so does an answer that does
 * not fit (RFC 9271). A server that loses all but one of the commands that come in one packet is sent one at a time.
 */
export function createConversation(options: ConversationOptions): Conversation {
  const { at, timeout, write, onEnd, dialect = dialectOfUpsd() } = options
  const queue: Waiting[] = []
  const lines = createLines(at)
  let ended: AgentError | undefined
  let unsent = ''
  const hiding = createHiding(at, options.password)

  function finish(why: AgentError, cause: Cause): void {
    if (ended) return
    ended = why
    if (arePipelinedLost(queue, cause, dialect)) dialect.pipelining = 'fails'
    onEnd()
    for (const waiting of queue.splice(0)) {
      calm(waiting)
      waiting.reject(ended)
    }
  }

  function receive(chunk: Uint8Array): void {
    try {
      for (const line of lines.push(chunk)) if (line.trim() !== '') understand(hiding.line(line))
    } catch (error) {
      finish(error instanceof AgentError ? error : new AgentError('malformed', messageOf(error)), 'misfit')
    }
  }

  function understand(text: string): void {
    const waiting = queue[0]
    if (!waiting?.isSent) throw hiding.misfit('sent an unexpected answer', text)
    const { words, isOpen } = looseWords(text)
    // In a list one line that can't be understood says nothing of the others.
    if (isOpen && !waiting.isBegun) throw hiding.misfit('sent a line with an open quote', text)
    if (words[0]?.toUpperCase() === 'ERR') {
      const [, code = 'ERR', ...extra] = words
      return settle((it) => it.reject(new NutRefusal(code.toUpperCase(), it.doing, at, hiding.words(extra))))
    }
    if (waiting.list === undefined) {
      waiting.lines.push({ text, words })
      return settle((it) => it.resolve(it.lines))
    }
    if (takeListLine(waiting, waiting.list, { text, words }, hiding) === 'more') return awaitMore(waiting)
    dialect.lists = 'end'
    settle((it) => it.resolve(it.lines))
  }

  /** `upsc` shows what has come of a list that does not end, too. */
  function awaitMore(waiting: Waiting): void {
    if (dialect.lists === 'end') return
    clearTimeout(waiting.pause)
    const isOver = () => {
      dialect.lists = 'stay open'
      settle((it) => it.resolve(it.lines))
    }
    waiting.pause = setTimeout(isOver, dialect.lists === 'untried' ? timeout / 2 : timeout / 10)
  }

  function settle(how: (waiting: Waiting) => void): void {
    const waiting = queue.shift()!
    calm(waiting)
    if (queue.length === 0 && waiting.isBehind && dialect.pipelining === 'untried') dialect.pipelining = 'works'
    sendNext()
    arm()
    how(waiting)
  }

  /** Only the oldest command has a running timeout: upsd has not started on the others. */
  function arm(): void {
    const next = queue[0]
    if (!next?.isSent || next.deadline) return
    const within = isUntried(queue, dialect) ? Math.min(timeout, Math.max(untriedWithin, timeout / 4)) : timeout
    const late = () =>
      finish(new AgentError('unreachable', `upsd at ${at} did not answer ${next.doing} within ${within} ms`), 'silence')
    next.deadline = setTimeout(late, within)
  }

  /** Those that may go now. What is asked at the same time leaves in one packet. */
  function sendNext(): void {
    for (const [index, waiting] of queue.entries()) {
      if (waiting.isSent) continue
      if (index > 0 && dialect.pipelining === 'fails') return
      // Nothing but a pause tells where a list ends that has no END.
      if (dialect.lists !== 'end' && queue.slice(0, index).some(({ list }) => list !== undefined)) return
      waiting.isSent = true
      waiting.isBehind = index > 0
      if (unsent === '') queueMicrotask(flush)
      unsent += `${waiting.command}\n`
    }
  }

  function flush(): void {
    const text = unsent
    unsent = ''
    if (ended) return
    write(text)
    arm()
  }

  function send(command: string, doing: string, list: readonly string[] | undefined): Promise<AnswerLine[]> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      const state = { isBegun: false, isSent: false, isBehind: false, deadline: undefined, pause: undefined }
      queue.push({ command, doing, list, lines: [], ...state, resolve, reject })
      sendNext()
    })
  }

  return {
    get ended() {
      return ended
    },
    end: (why) => finish(why, why.code === 'malformed' ? 'misfit' : 'our own'),
    lose: (why) => finish(why, 'loss'),
    receive,
    ask: async (command, doing = command) => (await send(command, doing, undefined))[0]!.words,
    askLine: async (command) => (await send(command, command, undefined))[0]!,
    list: async (command) => (await send(command, command, splitWords(command))).map(({ words }) => words),
    listLines: (command) => send(command, command, splitWords(command)),
  }
}

/** What is known of upsd itself. */
function dialectOfUpsd(): Dialect {
  return { ...createDialect(), pipelining: 'works', lists: 'end' }
}

/** Whether commands are under way together, and nobody knows yet that they are all answered. */
function isUntried(queue: readonly Waiting[], { pipelining }: Dialect): boolean {
  return pipelining === 'untried' && queue.some(({ isBehind }) => isBehind)
}
