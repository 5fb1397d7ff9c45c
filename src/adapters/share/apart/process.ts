import type { Writable } from 'node:stream'
import { AgentError } from '../../../core/errors.ts'
import type { Download, Factory } from '../../../core/release/ports.ts'
import type { BytesMemory } from '../proof.ts'
import { createPassing } from './passing.ts'
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
  type Told,
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
  readonly memory?: BytesMemory
  /** Called where it does nothing for too long: the process is given up. */
  readonly given: () => AgentError
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly factory: Pick<Factory, 'warm' | 'open'> | undefined
  readonly memory: BytesMemory | undefined
  readonly stop: AbortController
  /** The download that was opened last, and what ends it. */
  opened: { readonly download: Download; readonly number: number; readonly over: AbortController } | undefined
  /** When the share was seen to do something last, by the monotonic clock. */
  seenAt: number
  /** It waits for our answer. */
  isAsking: boolean
  /** It waits for what the Factory sends, which asks nothing of the share. */
  isReceiving: boolean
}

/** In ms. */
const tick = 250
/** In bytes: so much of a download waits to be taken by the process that writes it. */
const mostWaiting = 262_144
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
    { signal, within, factory, memory, given: giveUp }: CallOptions,
  ): Promise<Calls[Name]['answer']> {
    if (signal?.aborted) throw cancelled()
    const id = next++
    const stop = new AbortController()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const seenAt = performance.now()
    const turns = { seenAt, isAsking: false, isReceiving: false }
    const own: Pending = { resolve, reject, factory, memory, stop, opened: undefined, ...turns }
    pending.set(id, own)
    const abandon = (error: unknown) => {
      reject(error)
      child.kill()
    }
    const watch = setInterval(
      () => {
        const isOurTurn = own.isAsking || own.isReceiving
        if (!isOurTurn && performance.now() - own.seenAt > within) abandon(giveUp())
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

/** Asks the Factory, and what is remembered, for the process that stages. */
async function answerQuestion(child: ShareChild, asked: Pending, question: Asked): Promise<void> {
  asked.isAsking = true
  try {
    const told = await learn(asked, question)
    child.send({ told })
    if (question.ask === 'open') void pump(child.input, asked)
  } catch (error) {
    child.send({ refused: failureOf(error) })
  } finally {
    asked.seenAt = performance.now()
    asked.isAsking = false
  }
}

type Asked = Extract<Reply, { readonly ask: string }>

async function learn(asked: Pending, question: Asked): Promise<Told> {
  const { factory, memory, stop, opened } = asked
  switch (question.ask) {
    case 'warm':
      return factory!.warm(question.order, stop.signal)
    case 'open': {
      opened?.over.abort()
      const over = new AbortController()
      const signal = AbortSignal.any([stop.signal, over.signal])
      const download = await factory!.open(question.order, question.resume, signal)
      const number = (opened?.number ?? 0) + 1
      asked.opened = { download, number, over }
      const { offset, size, etag, source } = download
      return { offset, size, etag, source, body: number }
    }
    case 'proofs':
      return opened!.download.proofs(stop.signal)
    case 'recall':
      return memory?.recall(question.source)
    case 'remember':
      await memory?.remember(question.known)
      return undefined
    default:
      return question satisfies never
  }
}

/** Sends a body in frames, no faster than the share takes it, until another is opened. */
async function pump(input: Writable, asked: Pending): Promise<void> {
  const { download, number, over } = asked.opened!
  const ended = AbortSignal.any([asked.stop.signal, over.signal])
  const gone = new Promise<never>((_resolve, reject) =>
    ended.addEventListener('abort', () => reject(cancelled()), { once: true }),
  )
  gone.catch(() => undefined)
  const receiving = (is: boolean) => {
    // One that is not read any more has no say.
    if (asked.opened?.number !== number) return
    asked.seenAt = performance.now()
    asked.isReceiving = is
  }
  const write = async (...frame: readonly Uint8Array[]) => {
    // In one call of the system.
    input.cork()
    for (const part of frame) input.write(part)
    input.uncork()
    if (input.writableLength < mostWaiting) return
    receiving(false)
    await Promise.race([new Promise<void>((resolve) => void input.once('drain', resolve)), gone])
    receiving(true)
  }
  receiving(true)
  const pass = createPassing()
  try {
    for await (const chunk of download.body) {
      if (ended.aborted) throw cancelled()
      await write(frameHead(number, chunk.length), chunk)
      pass(chunk.length)
    }
    await write(lastFrame(number))
  } catch (error) {
    input.write(failingFrame(number, failureOf(error)))
  } finally {
    receiving(false)
  }
}
