import { AgentError, type ErrorCode } from '../../src/core/errors.ts'
import type { Plan, Step } from '../../src/core/plan.ts'
import { phase } from '../../src/core/plan.ts'
import { english } from '../../src/core/wording.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import type { Ports } from '../../src/core/ports.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'

/** Steps of a power cut, one at a time, at machines that answer as a test says. */

export const refused = (code: ErrorCode, text: string = code) => new AgentError(code, text)

/** What each call of one kind comes to, one after the other; the last for all that follow. */
export function answers<T>(...all: readonly (T | Error)[]): {
  readonly next: () => Promise<T>
  readonly asked: number
} {
  let asked = 0
  return {
    get asked() {
      return asked
    },
    next: async () => {
      const answer = all[Math.min(asked++, all.length - 1)]!
      if (answer instanceof Error) throw answer
      return answer
    },
  }
}

/** Hangs until it is called off. */
export const hangs = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason))
  })

/** A homelab with a control plane, a worker and a NAS, at which single calls may answer otherwise. */
export function homelabWith(change: (ports: Ports, homelab: FakeHomelab) => void): FakeHomelab {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker' }, { hosts: ['nas'] })
  change(homelab.ports, homelab)
  return homelab
}

/** Carries out one step; answers `done`, or why not. */
export async function perform(
  homelab: FakeHomelab,
  step: Step,
  signal = new AbortController().signal,
): Promise<string> {
  const plan: Plan = [phase('uncordon', [], step)]
  const inventory = [...homelab.machines.values()].map(({ name, role }) => ({ name, role }))
  const options = { inventory, log: silentLog, wording: english, signal, pollEvery: 1 }
  return carryOut(plan, homelab.ports, options).then(
    () => 'done',
    (error: unknown) => (error as Error).message,
  )
}
