import { setTimeout as sleep } from 'node:timers/promises'
import { eachAtOnce } from '../../../core/at-once.ts'
import { AgentError, messageOf } from '../../../core/errors.ts'
import { createNews } from '../../../core/news.ts'
import type { Logger } from '../../../core/log.ts'
import type { ProvisionDesk, TakenConfig } from '../../../core/provision/desk.ts'
import type { Claimant, Machine } from '../../../core/provision/machine.ts'
import type { MaintenanceApi } from '../../../core/provision/ports.ts'
import type { MaintenanceLook, MeantMachine } from '../../../core/provision/seen.ts'
import type { ConfigQuestion } from '../../../core/provision/question.ts'
import {
  decideGiving,
  nextKey,
  sessionKeyKind,
  type SessionKey,
  waitingInMaintenance,
  whyAnother,
} from '../../../core/provision/session-key.ts'
import type { RecordStore } from '../../../core/records.ts'

export interface MaintenanceWatchOptions {
  readonly desk: ProvisionDesk
  readonly api: MaintenanceApi
  readonly store: Pick<RecordStore, 'records'>
  /** What a machine told at a look; undefined: it does not answer. */
  seen(id: string, address: string, look: MaintenanceLook | undefined): void
  readonly log: Logger
  readonly now: () => Date
  readonly signal: AbortSignal
  /** Between two looks, in ms. */
  readonly every?: number
}

/** So many machines are looked at at the same time: each costs a handshake. */
const atOnce = 4
/** Between two looks at a machine, in ms. */
const looksEvery = 5_000
/** Between two questions at the desk, in ms: who waits in maintenance says by that alone that it is still there. */
const asksEvery = 60_000

/**
 * Looks at machines that wait in maintenance for as long as the signal does not abort, and gives those that were approved
 * their configuration. Never rejects.
 */
export async function watchMaintenance(options: MaintenanceWatchOptions): Promise<void> {
  const { desk, log, now, signal, every = looksEvery } = options
  const look = createLooking(options)
  const news = createNews()
  while (!signal.aborted) {
    const waiting = waitingInMaintenance(desk.machines(), now().getTime())
    await eachAtOnce(atOnce, waiting, async (one) => {
      if (signal.aborted) return
      await look(one).catch((error: unknown) => {
        const reason = messageOf(error)
        if (!signal.aborted && news.isNew(reason, one.machine.id))
          log.warn({ machine: one.machine.id, reason }, 'a look failed')
      })
    })
    await untilDecided(desk, waiting, { every, signal })
  }
}

/** Until a person decides about one of them, or it is time for the next look. */
async function untilDecided(
  desk: ProvisionDesk,
  waiting: readonly { readonly machine: Machine }[],
  { every, signal }: { readonly every: number; readonly signal: AbortSignal },
): Promise<void> {
  const over = new AbortController()
  const alive = AbortSignal.any([signal, over.signal])
  const ids = new Set(waiting.filter(({ machine }) => machine.state !== 'approved').map(({ machine }) => machine.id))
  const changes = [...ids].map((id) => desk.changed(id, alive).catch(() => sleep(every, undefined, { signal: alive })))
  await Promise.race([sleep(every, undefined, { signal }), ...changes]).catch(() => {})
  over.abort()
  await Promise.allSettled(changes)
}

interface Waiting {
  readonly machine: Machine
  readonly claimant: Claimant
}

function createLooking({ desk, api, store, seen, now, signal, log }: MaintenanceWatchOptions) {
  const keys = store.records(sessionKeyKind)
  /** When each asked last, in ms. */
  const askedAt = new Map<string, number>()

  return async ({ machine: { id, state, approval }, claimant }: Waiting): Promise<void> => {
    const { address } = claimant
    const told = await api.look(address, signal).catch((error: unknown) => {
      // While it looks for its configuration, or reboots, nobody answers.
      if (error instanceof AgentError && error.code === 'unreachable') return undefined
      throw error
    })
    seen(id, address, told)
    if (told === undefined) return
    const another = whyAnother(told, claimant)
    if (another !== undefined) return desk.trouble(id, another)
    const before = keys.get(sessionKeyKind.keyOf({ id, address } as SessionKey))
    const key = nextKey(before, { id, address, fingerprint: told.fingerprint }, now().toISOString())
    if (key !== before) keys.save(key)
    const question: ConfigQuestion = { claim: claimant.claim, address, way: 'maintenance' }
    const isApproved = state === 'approved' && approval?.code === claimant.code
    if (!isApproved && now().getTime() - (askedAt.get(`${id} ${address}`) ?? -Infinity) < asksEvery) return
    askedAt.set(`${id} ${address}`, now().getTime())
    if (desk.ask(question).kind !== 'deliver' || !approval) return
    const giving = decideGiving(key, claimant, approval)
    if (giving.kind === 'refuse') return desk.trouble(id, giving.why)
    await give({ desk, api, log, signal }, { question, meant: giving.meant, version: told.version, id })
  }
}

interface Gift {
  readonly id: string
  readonly question: ConfigQuestion
  readonly meant: MeantMachine
  readonly version: string | undefined
}

async function give(
  { desk, api, log, signal }: Pick<MaintenanceWatchOptions, 'desk' | 'api' | 'log' | 'signal'>,
  { id, question, meant, version }: Gift,
): Promise<void> {
  let taken: TakenConfig | undefined
  const take = async () => {
    taken = await desk.take(question, { booted: version })
    return taken.text
  }
  try {
    await api.apply(question.address, meant, take, signal)
    taken?.sent()
  } catch (error) {
    if (taken) taken.cut(messageOf(error))
    else if (error instanceof AgentError && error.code === 'rejected') desk.trouble(id, messageOf(error))
    else log.info({ machine: id, reason: messageOf(error) }, 'not given its configuration yet')
  }
}
