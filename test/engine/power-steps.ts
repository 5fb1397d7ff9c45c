import { AgentError, type ErrorCode } from '../../src/core/errors.ts'
import type { CarryOutChoices, Plan, Step } from '../../src/core/plan.ts'
import { phase } from '../../src/core/plan.ts'
import { english } from '../../src/core/wording.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import type { Logger } from '../../src/core/log.ts'
import type { Ports } from '../../src/core/ports.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'

/** Steps, one at a time, at machines that answer as a test says. */

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

interface Surroundings {
  readonly signal?: AbortSignal
  readonly log?: Logger
  /** In ms. */
  readonly pollEvery?: number
  readonly onStep?: CarryOutChoices['onStep']
}

/** Carries out one step; answers `done`, or what was thrown. */
export async function carriedOut(
  homelab: FakeHomelab,
  step: Step,
  { signal = new AbortController().signal, log = silentLog, pollEvery = 1, onStep = () => {} }: Surroundings = {},
): Promise<'done' | AgentError> {
  const plan: Plan = [phase('uncordon', [], step)]
  const inventory = [...homelab.machines.values()].map(({ name, role }) => ({ name, role }))
  const options = { inventory, log, wording: english, signal, pollEvery, onStep }
  return carryOut(plan, homelab.ports, options).then(
    () => 'done' as const,
    (error: unknown) => error as AgentError,
  )
}

/** Carries out one step; answers `done`, or why not. */
export async function perform(homelab: FakeHomelab, step: Step, signal?: AbortSignal): Promise<string> {
  const outcome = await carriedOut(homelab, step, signal === undefined ? {} : { signal })
  return outcome === 'done' ? outcome : outcome.message
}
