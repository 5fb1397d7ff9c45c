import type { Writable } from 'node:stream'
import { AgentError } from '../../../core/errors.ts'
import type { Download, Factory } from '../../../core/release/ports.ts'
import {
  type CallName,
  type Calls,
  type Command,
  errorOf,
  failingFrame,
  failureOf,
  frameHead,
  lastFrame,
  type Reply,
  type Request,
} from './wire.ts'

/** A process that touches the share, as it was started. */
export interface ShareChild {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined
  send(command: Command): void
  onReply(listener: (reply: Reply) => void): void
  /** Called once, when it has ended. */
  onExit(listener: () => void): void
  readonly input: Writable
  /** SIGKILL: what hangs in a system call dies when the call returns. */
  kill(): void
}

/** One process, with what it was asked. */
export interface ShareProcess {
  call<Name extends CallName>(
    name: Name,
    given: Calls[Name]['given'],
    options: CallOptions,
  ): Promise<Calls[Name]['answer']>
  readonly isIdle: boolean
  end(): void
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** In ms: how long the share may do nothing. What we do ourselves meanwhile, such as waiting for the Factory, does not count. */
  readonly within: number
  /** For staging. */
  readonly factory?: Pick<Factory, 'warm' | 'open'>
  /** Called where it does nothing for too long: the process is given up. */
  readonly given: () => AgentError
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly factory: Pick<Factory, 'warm' | 'open'> | undefined
  readonly stop: AbortController
  /** When the share was seen to do something last, by the monotonic clock. */
  seenAt: number
  /** It waits for us. */
  isOurTurn: boolean
}

/** In ms. */
const tick = 250
/** In ms: so long a process may take to clean up after it was called off. */
const cleansWithin = 2_000

const cancelled = () => new AgentError('unreachable', 'cancelled')

export function createShareProcess(child: ShareChild): ShareProcess {
  const pending = new Map<number, Pending>()
  let next = 1

  child.onExit(() => {
    for (const { reject } of pending.values())
      reject(new AgentError('unreachable', 'the process that works on the share has ended'))
    pending.clear()
  })
  child.onReply((reply) => {
    const asked = pending.get(reply.id)
    if (!asked) return
    asked.seenAt = performance.now()
    if ('value' in reply) asked.resolve(reply.value)
    else if ('failure' in reply) asked.reject(errorOf(reply.failure))
    else void answerQuestion(child, asked, reply)
  })

  async function call<Name extends CallName>(
    name: Name,
    given: Calls[Name]['given'],
    { signal, within, factory, given: giveUp }: CallOptions,
  ): Promise<Calls[Name]['answer']> {
    if (signal?.aborted) throw cancelled()
    const id = next++
    const stop = new AbortController()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const own: Pending = { resolve, reject, factory, stop, seenAt: performance.now(), isOurTurn: false }
    pending.set(id, own)
    const abandon = (error: unknown) => {
      reject(error)
      child.kill()
    }
    const watch = setInterval(
      () => {
        if (!own.isOurTurn && performance.now() - own.seenAt > within) abandon(giveUp())
      },
      Math.min(tick, within),
    )
    const abort = () => {
      stop.abort()
      child.send({ abort: id })
      // It cleans up if it can.
      setTimeout(() => (pending.has(id) ? abandon(cancelled()) : undefined), cleansWithin).unref()
    }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      child.send({ id, call: name, given } as Request)
      return (await promise) as Calls[Name]['answer']
    } finally {
      clearInterval(watch)
      signal?.removeEventListener('abort', abort)
      pending.delete(id)
      stop.abort()
    }
  }

  return {
    call,
    get isIdle() {
      return pending.size === 0
    },
    end: () => child.kill(),
  }
}

/** Asks the Factory for the process that stages. */
async function answerQuestion(
  child: ShareChild,
  asked: Pending,
  question: Extract<Reply, { readonly ask: string }>,
): Promise<void> {
  asked.isOurTurn = true
  try {
    if (question.ask === 'warm') {
      const size = await asked.factory!.warm(question.order, asked.stop.signal)
      hand(asked)
      return child.send({ told: size })
    }
    const { body, ...told } = await asked.factory!.open(question.order, question.resume, asked.stop.signal)
    child.send({ told })
    await pump(child.input, body, asked)
  } catch (error) {
    child.send({ refused: failureOf(error) })
  } finally {
    hand(asked)
  }
}

/** Now it is the share that is waited for. */
function hand(asked: Pending): void {
  asked.seenAt = performance.now()
  asked.isOurTurn = false
}

/** Sends a body in frames, no faster than the share takes it. */
async function pump(input: Writable, body: Download['body'], asked: Pending): Promise<void> {
  const gone = new Promise<never>((_resolve, reject) =>
    asked.stop.signal.addEventListener('abort', () => reject(cancelled()), {
      once: true,
    }),
  )
  gone.catch(() => undefined)
  const write = async (bytes: Uint8Array) => {
    if (input.write(bytes)) return
    hand(asked)
    await Promise.race([new Promise<void>((resolve) => void input.once('drain', resolve)), gone])
    asked.isOurTurn = true
  }
  try {
    for await (const chunk of body) {
      input.write(frameHead(chunk.length))
      await write(chunk)
    }
    await write(lastFrame())
  } catch (error) {
    input.write(failingFrame(failureOf(error)))
  }
}
