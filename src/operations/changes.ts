import type { Journal } from '../core/journal.ts'
import { createListeners } from '../core/listeners.ts'
import type { Change, Operator, PowerRequests, StatusAnswer } from '../core/operator.ts'
import type { RunningAgent } from './running-agent.ts'

/** How long changes are gathered before they are told, in ms: each UPS is read up to four times a second. */
const powerEvery = 200
const statusEvery = 1_000

export interface ChangesOptions {
  readonly agent: Omit<RunningAgent, 'preview' | 'start' | 'observe'>
  readonly journal: Pick<Journal, 'onEntry'>
  readonly power: Pick<PowerRequests, 'state'>
  /** The status, with the cluster as it was seen last. */
  readonly status: (signal: AbortSignal) => Promise<StatusAnswer>
}

/** Tells what changes, as long as there is somebody who wants to hear of it. */
export function createChanges(options: ChangesOptions): Operator['subscribe'] {
  const listeners = createListeners<Change>()
  let count = 0
  let watching: Disposable | undefined
  return (listener) => {
    const own = listeners.subscribe(listener)
    count += 1
    watching ??= watch(options, listeners.tell)
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        own[Symbol.dispose]()
        count -= 1
        if (count > 0) return
        watching?.[Symbol.dispose]()
        watching = undefined
      },
    }
  }
}

function watch({ agent, journal, power, status }: ChangesOptions, tell: (change: Change) => void): Disposable {
  const stop = new AbortController()
  const stack = new DisposableStack()
  stack.defer(() => stop.abort())
  let lastPower = stableText(power.state())
  let lastStatus: string | undefined

  function lookAtPower(): void {
    const state = power.state()
    const text = stableText(state)
    if (text === lastPower) return
    lastPower = text
    tell({ type: 'power', power: state })
  }

  async function lookAtStatus(): Promise<void> {
    // What can't be read now shows with the next change.
    const answer = await status(stop.signal).catch(() => undefined)
    if (answer === undefined || stop.signal.aborted) return
    // The power has its own changes, and when the cluster was seen is none.
    const { power: _, cluster, ...rest } = answer
    const text = stableText({ ...rest, cluster: { ...cluster, observedAt: undefined } })
    if (text === lastStatus) return
    lastStatus = text
    tell({ type: 'status', status: answer })
  }

  const powerSoon = stack.use(createGathering(powerEvery, lookAtPower)).soon
  const statusSoon = stack.use(createGathering(statusEvery, () => void lookAtStatus())).soon
  stack.use(
    agent.alerts.subscribe((alert, change) => {
      tell({ type: 'alert', change, alert })
      statusSoon()
    }),
  )
  stack.use(
    journal.onEntry((entry) => {
      tell({ type: 'journal', entry })
      powerSoon()
      statusSoon()
    }),
  )
  stack.use(agent.guard.onChange(powerSoon))
  stack.use(agent.onEvent(statusSoon))
  stack.use(agent.onLook(statusSoon))
  stack.use(agent.onActivity(statusSoon))
  stack.defer(agent.onRun(statusSoon))
  // What a listener that joins later is told the difference to.
  statusSoon()
  return stack
}

/** Without how long things last: that changes with every look. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (key, field: unknown) =>
    key === 'forMs' || key === 'lastHeardAt' || key === 'lastHeardMsAgo' || key === 'since' ? undefined : field,
  )
}

/** Does it once for all that happens within so many ms. */
function createGathering(within: number, work: () => void): Disposable & { readonly soon: () => void } {
  let timer: NodeJS.Timeout | undefined
  return {
    soon: () => {
      timer ??= setTimeout(() => {
        timer = undefined
        work()
      }, within).unref()
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
