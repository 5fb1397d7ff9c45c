import type { ServerResponse } from 'node:http'
import { AgentError, type ErrorCode, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { ConfigurationAnswer } from '../../core/netboot/boot-event.ts'
import type { ConfigAnswer, ProvisionDesk } from '../../core/provision/desk.ts'
import type { ConfigQuestion } from '../../core/provision/question.ts'
import { answerText } from './answers.ts'
import { handOver } from './hand-over.ts'
import { createHolds } from './holds.ts'
import type { DoorLimits } from './limits.ts'

/** Makes the configuration of a machine that waits in maintenance: without secrets, and incomplete. */
export type Introduce = (
  answer: ConfigAnswer & { readonly kind: 'introduce' },
  question: ConfigQuestion,
) => string | undefined

export interface ConfigRouteOptions {
  readonly desk: ProvisionDesk
  readonly limits: DoorLimits
  readonly introduce: Introduce
  readonly log: Logger
  /** What a machine was answered, or is going to be. */
  readonly told: (question: ConfigQuestion, answer: ConfigurationAnswer) => void
  /** Aborts when nobody is to wait any more. */
  readonly signal: AbortSignal
}

export interface ConfigRoute {
  /** Answers a machine that asks; never rejects. `isLate`: it has waited before it asked. */
  answer(question: ConfigQuestion, response: ServerResponse, isLate: boolean): Promise<void>
  /** How many are held. */
  readonly held: number
}

/** What a console shows where a configuration was approved, and could not be taken. */
const whyNot: Partial<Record<ErrorCode, string>> = {
  misconfigured: 'its configuration has faults',
  'not-now': 'not now: it tries again',
}

type Waiting = ConfigAnswer & { readonly kind: 'wait' }

/** Claimants whose code is known to stand on their console. */
const mostShown = 512

/**
 * Answers machines that ask for their configuration. The first answer to a machine comes at once, so that its console shows
 * the code; then it is held for as long as it waits, and has its configuration in the moment in which it may.
 */
export function createConfigRoute(options: ConfigRouteOptions): ConfigRoute {
  const { desk, limits, introduce, log, told, signal } = options
  const holds = createHolds(limits)
  const shown = new Set<string>()

  function isShown({ address }: ConfigQuestion, { code }: Waiting): boolean {
    const key = `${code} ${address}`
    const isKnown = shown.delete(key)
    shown.add(key)
    const [oldest] = shown
    if (shown.size > mostShown && oldest !== undefined) shown.delete(oldest)
    return isKnown
  }

  /** Until it need not wait any more, or has waited long enough. */
  async function hold(question: ConfigQuestion, first: Waiting, waited: AbortSignal): Promise<ConfigAnswer> {
    using place = holds.enter(question.address, first.isKnown)
    if (!place) return first
    const over = AbortSignal.any([waited, place.lost])
    let answer: ConfigAnswer = first
    // Another code is to stand on its console at once: it was forgotten, and is somebody new.
    while (answer.kind === 'wait' && answer.code === first.code) {
      try {
        await desk.changed(answer.id, over)
      } catch {
        return answer
      }
      answer = desk.ask({ ...question, isHeld: true })
    }
    return answer
  }

  async function deliver(question: ConfigQuestion, id: string, response: ServerResponse): Promise<void> {
    try {
      // A connection that we have closed says so later: what it is now counts.
      const taken = await desk.take(question, { isGone: () => isGone(response) })
      const isWhole = await handOver(taken, response, limits.takenWithin)
      if (isWhole) told(question, 'delivered')
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      // Somebody was faster, or it can't be made: it asks again, and hears what holds then.
      log.warn({ machine: id, reason: error.message }, 'a configuration was not delivered')
      answerText(response, 503, whyNot[error.code] ?? 'not approved any more')
    }
  }

  function hand(answer: ConfigAnswer & { readonly kind: 'introduce' }, question: ConfigQuestion): string | undefined {
    try {
      return introduce(answer, question)
    } catch (error) {
      log.warn({ machine: answer.id, reason: messageOf(error) }, 'an incomplete configuration can not be made')
      return undefined
    }
  }

  async function answer(question: ConfigQuestion, response: ServerResponse, isLate: boolean): Promise<void> {
    let decided = desk.ask(question)
    if (decided.kind === 'wait' || decided.kind === 'introduce') told(question, 'pending')
    if (decided.kind === 'wait' && isShown(question, decided)) {
      const gone = hangsUp(response)
      const limit = AbortSignal.timeout(isLate ? limits.holdLate : limits.hold)
      decided = await hold(question, decided, AbortSignal.any([gone, limit, signal]))
      // Whoever has hung up takes nothing: what is approved waits until it asks again.
      if (gone.aborted) return
    }
    switch (decided.kind) {
      case 'wait':
        return answerText(response, 503, decided.text)
      case 'deliver':
        return deliver(question, decided.id, response)
      case 'introduce': {
        const text = hand(decided, question)
        if (text === undefined) return answerText(response, 503, `pending: ${decided.code}`)
        return answerIncomplete(response, text)
      }
      case 'refuse':
        told(question, 'refused')
        return answerText(response, 503, decided.text)
      default:
        return decided satisfies never
    }
  }

  return {
    get held() {
      return holds.count
    },
    answer: (question, response, isLate) =>
      answer(question, response, isLate).catch((error: unknown) => {
        log.error({ err: error }, 'a machine got no answer')
        answerText(response, 503, 'internal error')
      }),
  }
}

/** Whether nobody is at the other end any more. */
const isGone = (response: ServerResponse) => response.destroyed || response.socket?.destroyed === true

/** Aborts when the machine has hung up. */
function hangsUp(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (isGone(response)) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

function answerIncomplete(response: ServerResponse, text: string): void {
  const bytes = Buffer.from(text)
  response.writeHead(200, {
    'content-type': 'application/yaml',
    'content-length': bytes.length,
    'cache-control': 'no-store',
  })
  response.end(bytes)
}
