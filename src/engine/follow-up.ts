import type { Logger } from '../core/log.ts'

export interface FollowUpOptions {
  /** Looks, and says what it finds. */
  readonly look: () => void
  /** Whether it is to be looked at again without a reason. */
  readonly goesOn: () => boolean
  /** Between two looks without a reason, in ms. */
  readonly every: number
  readonly log: Logger
}

/** Looks when it is asked to, a moment later, and then now and then for as long as it goes on. */
export interface FollowUp {
  /** Within so many ms, once for all who ask until then. */
  soon(within: number): void
  stop(): void
}

export function createFollowUp({ look, goesOn, every, log }: FollowUpOptions): FollowUp {
  let timer: NodeJS.Timeout | undefined
  let dueAt = Infinity
  let isOver = false

  function schedule(within: number): void {
    if (isOver || performance.now() + within >= dueAt) return
    clearTimeout(timer)
    dueAt = performance.now() + within
    timer = setTimeout(run, within).unref()
  }

  function run(): void {
    dueAt = Infinity
    try {
      look()
    } catch (error) {
      log.error({ err: error }, 'a look failed')
    }
    if (goesOn()) schedule(every)
  }

  return {
    soon: schedule,
    stop: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}
