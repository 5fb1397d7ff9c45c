import type { Wire } from '../../http/serve.ts'
import type { Caller } from './caller.ts'
import { isReading } from './front.ts'
import type { ApiLimits } from './limits.ts'

export interface Watch extends Disposable {
  add(wire: Wire, caller: Caller): void
}

/**
 * Breaks off answers that last, such as live changes, when whoever gets them may not any more: their token was revoked, or
 * they have signed out. Browsers then ask again, and are refused; those that are still let in are signed in for longer.
 */
export function createWatch(
  { looksAgainEvery, longestFollowing }: Pick<ApiLimits, 'looksAgainEvery' | 'longestFollowing'>,
  monotonic: () => number,
): Watch {
  const open = new Map<Wire['outgoing'], { readonly caller: Caller; readonly since: number; readonly method: string }>()
  const timer = setInterval(() => {
    for (const [outgoing, { caller, since, method }] of open) {
      const isLong = caller.via === 'session' && monotonic() - since > longestFollowing && isReading(method)
      if (isLong || !caller.isStill()) outgoing.destroy()
    }
  }, looksAgainEvery).unref()
  return {
    add: ({ incoming: { method = '' }, outgoing }, caller) => {
      open.set(outgoing, { caller, since: monotonic(), method })
      outgoing.once('close', () => open.delete(outgoing))
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
