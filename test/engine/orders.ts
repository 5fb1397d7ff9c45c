import type { Kubernetes, Talos } from '../../src/core/cluster/ports.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Logger } from '../../src/core/log.ts'
import type { FakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'

/** What tests of steps and runs look at: the calls that change something, the limits of calls, and what is logged. */

const orders = {
  talos: ['install', 'installAndReboot', 'reboot', 'rollback'] satisfies (keyof Talos)[],
  kubernetes: ['cordon', 'noteMark'] satisfies (keyof Kubernetes)[],
}

type Call = (...given: unknown[]) => Promise<unknown>

/** Every order from now on: its name and what it was given, one after the other, before anything comes of it. */
export function recordedOrders({ ports }: FakeHomelab): unknown[][] {
  const given: unknown[][] = []
  for (const [port, names] of Object.entries(orders)) {
    const calls = ports[port as 'talos' | 'kubernetes'] as unknown as Record<string, Call>
    for (const name of names) {
      const call = calls[name]!
      calls[name] = (...all) => {
        given.push([name, ...all.filter((one) => !(one instanceof AbortSignal))])
        return call(...all)
      }
    }
  }
  return given
}

export interface FakeLimits extends Disposable {
  /** Lets so much time pass for every limit that was set, in ms. */
  pass(ms: number): void
}

/** Limits that are over when a test says so, and not before. */
export function fakeLimits(): FakeLimits {
  const real = AbortSignal.timeout
  const set: { readonly ms: number; readonly over: AbortController }[] = []
  AbortSignal.timeout = (ms) => {
    const over = new AbortController()
    set.push({ ms, over })
    return over.signal
  }
  return {
    pass: (passed) => {
      for (const { ms, over } of set) if (ms <= passed) over.abort(new DOMException('over', 'TimeoutError'))
    },
    [Symbol.dispose]: () => void (AbortSignal.timeout = real),
  }
}

/**
 * Stands for a call that hangs until it is called off. `at`: how often it is called; `heard`: whether it was called off a ms
 * before its time was over, and when it was.
 */
export function hangsUntil(limits: FakeLimits, ms: number) {
  const seen = { at: 0, heard: [] as boolean[] }
  const call = async (...given: readonly unknown[]): Promise<never> => {
    const signal = given.find((one) => one instanceof AbortSignal)!
    seen.at += 1
    limits.pass(ms - 1)
    seen.heard.push(signal.aborted)
    limits.pass(ms)
    seen.heard.push(signal.aborted)
    throw new AgentError('unreachable', 'called off')
  }
  return { seen, call }
}

/** In time, and not a ms before. */
export const inTime = { at: 1, heard: [false, true] }

/** A log that keeps what it is told, as `warn: no answer`. */
export function keptLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = []
  const keep = (level: string) => (_: object, text: string) => void lines.push(`${level}: ${text}`)
  const log = { ...silentLog, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
  return { log, lines }
}
