import { AgentError } from '../../src/core/errors.ts'
import { createListeners } from '../../src/core/listeners.ts'
import type { ConfigAnswer, ProvisionDesk, TakenConfig } from '../../src/core/provision/desk.ts'
import type { Machine } from '../../src/core/provision/machine.ts'
import { type ConfigQuestion, idOf } from '../../src/core/provision/question.ts'

/** What a story does to the desk, beside asking it. */
export interface FakeDesk extends ProvisionDesk {
  /** A person lets whoever shows this code have a configuration, once. */
  approve(code: string, text?: string): void
  reject(id: string): void
  /** Nothing is known of it any more. */
  forget(id: string): void
  /** The approval of whoever shows this code has run out. */
  expire(code: string): void
  /** From now on it waits in maintenance. */
  introduce(id: string): void
  /** It is written in machines.yaml. */
  know(id: string): void
  /** Its console is to show its code again. */
  showAgain(code: string): void
  /** Rendering fails with this text; undefined: it does no more. */
  fail(why: string | undefined): void
  /** Questions in their order, for whoever counts them. */
  readonly asked: readonly ConfigQuestion[]
  /** What became of deliveries, a line each: `taken ID`, `sent ID`, `cut ID: why`. */
  readonly diary: readonly string[]
  /** How many wait for a change now. */
  waiting(): number
}

interface KnownClaimant {
  readonly id: string
  readonly key: string
  readonly flow: string | undefined
  readonly code: string
  shown: number
  text?: string | undefined
}

/** Of RFC 8628, 6.1: no vowels, so that no words come about. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'

/** Decides as the desk does, by what is in memory: one approval for one claimant, once. */
export function fakeDesk({ codes = numberedCode }: { readonly codes?: (index: number) => string } = {}): FakeDesk {
  const claimants = new Map<string, KnownClaimant>()
  const rejected = new Set<string>()
  const introduced = new Set<string>()
  const known = new Set<string>()
  const asked: ConfigQuestion[] = []
  const diary: string[] = []
  const changes = createListeners<string>()
  let failure: string | undefined
  let waits = 0
  /** Codes so far. */
  let given = 0

  function claimantOf(question: ConfigQuestion): KnownClaimant | undefined {
    const id = idOf(question.claim)
    if (id === undefined) return undefined
    const key = keyOf(question)
    const found = claimants.get(key) ?? { id, key, flow: question.flow, code: codes(given), shown: 1 }
    if (!claimants.has(key)) given += 1
    claimants.set(key, found)
    return found
  }
  function byCode(code: string): KnownClaimant {
    const found = [...claimants.values()].find((one) => one.code === code)
    if (!found) throw new AgentError('not-found', `nobody shows ${code}`)
    return found
  }
  function answer(question: ConfigQuestion): ConfigAnswer {
    const one = claimantOf(question)
    if (!one) return { kind: 'refuse', text: 'no uuid and no mac address' }
    const { id, code } = one
    if (rejected.has(id)) return { kind: 'refuse', id, text: 'rejected' }
    if (introduced.has(id) && question.way === 'plain') return { kind: 'introduce', id, code, hostname: undefined }
    if (one.text !== undefined) return { kind: 'deliver', id, code }
    const text = one.shown === 1 ? `pending: ${code}` : `pending: ${code} #${one.shown}`
    return { kind: 'wait', id, code, text, isKnown: known.has(id) }
  }
  async function take(question: ConfigQuestion): Promise<TakenConfig> {
    const one = claimantOf(question)
    if (one?.text === undefined) throw new AgentError('rejected', 'it was not approved')
    if (failure !== undefined) throw new AgentError('misconfigured', failure)
    const { id, text } = one
    one.text = undefined
    diary.push(`taken ${id}`)
    return {
      text,
      id,
      sent: () => void diary.push(`sent ${id}`),
      cut: (why) => void diary.push(`cut ${id}: ${why}`),
    }
  }
  function changed(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      waits += 1
      const end = () => {
        waits -= 1
        listening[Symbol.dispose]()
      }
      const listening = changes.subscribe((told) => {
        if (told !== id) return
        end()
        signal.removeEventListener('abort', abort)
        resolve()
      })
      const abort = () => {
        end()
        reject(new AgentError('timed-out', 'it did not change', signal.reason))
      }
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  return {
    ask: (question) => {
      asked.push(question)
      return answer(question)
    },
    changed,
    take,
    verified: (id) => void diary.push(`verified ${id}`),
    joined: (id) => void diary.push(`joined ${id}`),
    trouble: (id, why) => void diary.push(why === undefined ? `well ${id}` : `trouble ${id}: ${why}`),
    machines: () =>
      [...claimants.values()].map(({ id, flow }) => ({ id, claimants: [{ flow }] }) as unknown as Machine),
    approve: (code, text = `kind: Config for ${code}\n`) => {
      const one = byCode(code)
      one.text = text
      changes.tell(one.id)
    },
    reject: (id) => {
      rejected.add(id)
      changes.tell(id)
    },
    forget: (id) => {
      for (const one of [...claimants.values()].filter((known) => known.id === id)) claimants.delete(one.key)
      changes.tell(id)
    },
    expire: (code) => {
      byCode(code).text = undefined
      changes.tell(byCode(code).id)
    },
    know: (id) => void known.add(id),
    introduce: (id) => {
      introduced.add(id)
      changes.tell(id)
    },
    showAgain: (code) => {
      const one = byCode(code)
      one.shown += 1
      changes.tell(one.id)
    },
    fail: (why) => void (failure = why),
    asked,
    diary,
    waiting: () => waits,
  }
}

function keyOf({ claim, address, way, flow = '' }: ConfigQuestion): string {
  const { uuid = '', mac = '' } = claim
  return [uuid, mac, address, way, flow].join(' ')
}

function numberedCode(index: number): string {
  const letters = Array.from({ length: 8 }, (_, place) => alphabet[Math.floor(index / 20 ** (7 - place)) % 20])
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`
}
