import { dayOf, describeLife, type Life, stageOf } from '../certificate-life.ts'
import { failed, type Finding, ok, warning } from './check.ts'

/** A credential of ours: when it ends, and whether it is renewed before by itself. */
export interface JudgedCredential {
  readonly what: string
  readonly life: Life | undefined
  readonly isRenewed: boolean
  readonly fault?: string
}

/** Whether a credential works, and for how long. `now` in ms since the epoch. */
export function judgeCredential({ what, life, isRenewed, fault }: JudgedCredential, now: number): Finding {
  if (fault !== undefined) return failed(fault, 'Put the right file there')
  if (!life) return ok(`${what} has no expiry date`)
  const stage = stageOf(life, now)
  const text = stage === undefined ? `${what} expires on ${dayOf(life.to)}` : describeLife(what, life, stage)
  const renew = 'Get a new one: `talosctl config new`, `talosctl kubeconfig`'
  if (stage === 'ended') return failed(text, renew)
  if (stage === 'not-begun') return failed(text, 'Set the clock of this machine')
  // What Caretaker renews has been tried for long when its last week begins.
  if (stage === 'day' || stage === 'week')
    return isRenewed ? warning(`${text}, and was not renewed yet`, 'See `caretaker alerts`') : failed(text, renew)
  if (stage === 'month' && !isRenewed) return warning(text, renew)
  return ok(isRenewed ? `${text}, and is renewed before` : text)
}
