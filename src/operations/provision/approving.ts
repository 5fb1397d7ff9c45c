import { AgentError } from '../../core/errors.ts'
import { approvalLasts } from '../../core/provision/lifecycle.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import { asksBy } from '../../core/provision/pace.ts'
import type { ApproveMachine } from '../../core/provision/requests.ts'
import { describeNext } from './describe.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** The key that answers in maintenance. @throws AgentError `rejected` where it is another one than the person has seen */
export function keyOf(
  { room }: { readonly room: WaitingRoom },
  { id }: Machine,
  { way, address }: Claimant,
  { fingerprint: seen }: ApproveMachine,
): string | undefined {
  if (way !== 'maintenance') return undefined
  const fingerprint = room.of(id, address)?.fingerprint
  if (seen !== undefined && seen !== fingerprint)
    throw new AgentError(
      'rejected',
      `the key that answers at ${address} has changed: compare its console with ${fingerprint ?? 'the next one'}, and approve it then`,
    )
  return fingerprint
}

/** When it comes for it, if that is not soon, or later than what was approved lasts. */
export function nextWords(claimant: Claimant, now: number): string {
  const next = describeNext(claimant, now)
  const by = asksBy(claimant)
  if (next === undefined || by === undefined) return ''
  const isTooLate = by - now > approvalLasts
  return isTooLate ? `; ${next}. Left alone it may come too late: restart it now` : `; ${next}`
}
