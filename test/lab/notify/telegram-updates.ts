import { conflicts, type TelegramError } from './telegram-refusals.ts'

export interface TelegramUpdate {
  readonly update_id: number
  readonly callback_query?: unknown
  readonly message?: unknown
}

/** Updates of a bot: each is told until a later offset is asked for. */
export interface TelegramUpdates {
  /** A webhook takes them all; then nobody may ask. */
  webhook: boolean
  /** Whether somebody waits for the next one. */
  readonly isAsked: boolean
  /** The kinds of updates that were asked for last. */
  readonly allowed: readonly string[] | undefined
  add(update: Omit<TelegramUpdate, 'update_id'>): void
  /** Waits until there is one, or for so many seconds. Whoever asks last gets them; the other is refused. */
  ask(asked: UpdatesAsked): Promise<TelegramUpdate[] | TelegramError>
}

export interface UpdatesAsked {
  readonly offset?: number
  readonly limit?: number
  readonly timeout?: number
  readonly allowed_updates?: readonly string[]
}

export function createTelegramUpdates(): TelegramUpdates {
  let waiting: TelegramUpdate[] = []
  let next = 870_000_001
  /** What was asked for last stays so when it is left out. */
  let allowed: readonly string[] | undefined
  let held: { readonly wake: () => void; readonly end: () => void } | undefined

  const updates: TelegramUpdates = {
    webhook: false,
    get isAsked() {
      return held !== undefined
    },
    get allowed() {
      return allowed
    },
    add: (update) => {
      const [kind] = Object.keys(update)
      if (allowed !== undefined && allowed.length > 0 && !allowed.includes(kind!)) return
      waiting.push({ update_id: next++, ...update })
      held?.wake()
    },
    ask: async ({ offset, limit = 100, timeout = 0, allowed_updates }) => {
      if (updates.webhook) return conflicts.webhook
      held?.end()
      allowed = allowed_updates ?? allowed
      if (offset !== undefined) waiting = waiting.filter(({ update_id }) => update_id >= offset)
      if (waiting.length > 0 || timeout === 0) return waiting.slice(0, limit)
      const { promise, resolve } = Promise.withResolvers<TelegramUpdate[] | TelegramError>()
      const timer = setTimeout(() => resolve([]), timeout * 1_000)
      const own = { wake: () => resolve(waiting.slice(0, limit)), end: () => resolve(conflicts.poller) }
      held = own
      const told = await promise
      clearTimeout(timer)
      if (held === own) held = undefined
      return told
    },
  }
  return updates
}
