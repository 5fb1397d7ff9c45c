import { setTimeout as sleep } from 'node:timers/promises'
import { eachAtOnce } from '../../../core/at-once.ts'
import { AgentError, messageOf } from '../../../core/errors.ts'
import { createNews } from '../../../core/news.ts'
import type { Logger } from '../../../core/log.ts'
import { type Arrival, awaited, chooseArrival, judgeArrival, placesOf } from '../../../core/provision/delivered.ts'
import type { ProvisionDesk } from '../../../core/provision/desk.ts'
import type { Machine } from '../../../core/provision/machine.ts'
import type { ClusterMembers, MaintenanceApi } from '../../../core/provision/ports.ts'
import type { SeenMember } from '../../../core/provision/seen.ts'

export interface ArrivalWatchOptions {
  readonly desk: ProvisionDesk
  readonly members: ClusterMembers
  readonly api: Pick<MaintenanceApi, 'look'>
  /** A machine has joined, and is this node. */
  joined(machine: Machine, seen: SeenMember): void
  readonly log: Logger
  readonly now: () => Date
  readonly signal: AbortSignal
  /** Between two looks, in ms. */
  readonly every?: number
}

const atOnce = 4
/** In ms. */
const looksEvery = 10_000
const lookWithin = 10_000

/** Looks at machines that have their configuration, until they have joined, for as long as the signal does not abort. Never rejects. */
export async function watchArrivals(options: ArrivalWatchOptions): Promise<void> {
  const { desk, log, signal, every = looksEvery } = options
  const news = createNews()
  while (!signal.aborted) {
    await eachAtOnce(atOnce, awaited(desk.machines()), async (machine) => {
      if (signal.aborted) return
      await lookAt(machine, options).catch((error: unknown) => {
        const reason = messageOf(error)
        if (!signal.aborted && news.isNew(reason, machine.id))
          log.warn({ machine: machine.id, reason }, 'a look failed')
      })
    })
    await sleep(every, undefined, { signal }).catch(() => {})
  }
}

async function lookAt(machine: Machine, options: ArrivalWatchOptions): Promise<void> {
  const { desk, now, signal, joined } = options
  const { id } = machine
  const looks = placesOf(machine).map(async (address) => ({ address, arrival: await arrivalOf(address, options) }))
  const seen = chooseArrival(machine, await Promise.all(looks), now().getTime())
  if (signal.aborted || !seen) return
  const { address, arrival } = seen
  const { isVerified, isJoined, trouble } = judgeArrival(machine, seen, now().getTime())
  if (isVerified && arrival.kind === 'member') {
    const { uuid = id } = arrival.look
    if (machine.state !== 'verified') desk.verified(id, { address, uuid })
    if (isJoined) {
      desk.joined(id)
      joined(machine, { look: arrival.look, address })
    }
    return
  }
  // A cut that was told already is not hidden by silence.
  if (trouble !== undefined) desk.trouble(id, trouble)
}

async function arrivalOf(address: string, { members, api, signal }: ArrivalWatchOptions): Promise<Arrival> {
  const limited = () => AbortSignal.any([signal, AbortSignal.timeout(lookWithin)])
  try {
    return { kind: 'member', look: await members.identify(address, limited()) }
  } catch (error) {
    const code = error instanceof AgentError ? error.code : undefined
    if (code === 'unreachable' || code === 'timed-out') return { kind: 'silent' }
    const isWaiting = await api.look(address, limited()).then(
      () => true,
      () => false,
    )
    return isWaiting ? { kind: 'maintenance' } : { kind: 'stranger', why: messageOf(error) }
  }
}
