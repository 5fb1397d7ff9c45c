import type { Journal } from '../core/journal.ts'
import type { BootChange } from '../core/netboot/requests.ts'
import { createListeners } from '../core/listeners.ts'
import type { Change, Operator, PowerAnswer, PowerRequests, StatusAnswer } from '../core/operator.ts'
import { createGathering, type Pace } from './gathering.ts'
import type { BootKeeper } from './netboot/keeper.ts'
import type { RunningAgent } from './running-agent.ts'

/** Each UPS is read up to four times a second. In ms. */
const powerPace: Pace = { within: 200, apart: 1_000 }
/** While nodes are upgraded something changes all the time, and the status is large. In ms. */
const statusPace: Pace = { within: 1_000, apart: 5_000 }
/** Twenty machines may boot at once. In ms. */
const bootPace: Pace = { within: 200, apart: 1_000 }

export interface ChangesOptions {
  readonly agent: Omit<RunningAgent, 'preview' | 'start' | 'observe'>
  readonly journal: Pick<Journal, 'onEntry'>
  readonly power: Pick<PowerRequests, 'state'>
  readonly boots: Pick<BootKeeper, 'onChange'>
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

function watch({ agent, journal, power, boots, status }: ChangesOptions, tell: (change: Change) => void): Disposable {
  const stop = new AbortController()
  const stack = new DisposableStack()
  stack.defer(() => stop.abort())
  const clock = () => performance.now()
  let lastPower = textOfPower(power.state())
  let lastStatus: string | undefined

  function lookAtPower(): void {
    const state = power.state()
    const text = textOfPower(state)
    if (text === lastPower) return
    lastPower = text
    tell({ type: 'power', power: state })
  }

  async function lookAtStatus(): Promise<void> {
    // What can't be read now shows with the next change.
    const answer = await status(stop.signal).catch(() => undefined)
    if (answer === undefined || stop.signal.aborted) return
    const text = textOfStatus(answer)
    if (text === lastStatus) return
    lastStatus = text
    tell({ type: 'status', status: answer })
  }

  const powerSoon = stack.use(createGathering(powerPace, lookAtPower, clock)).soon
  const statusSoon = stack.use(createGathering(statusPace, () => void lookAtStatus(), clock)).soon
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
  watchBoots(boots, stack, (boot) => tell({ type: 'boot', boot }), clock)
  stack.use(agent.onEvent(statusSoon))
  stack.use(agent.onLook(statusSoon))
  stack.use(agent.onActivity(statusSoon))
  stack.defer(agent.onRun(statusSoon))
  // What a listener that joins later is told the difference to.
  statusSoon()
  return stack
}

/** Of several machines the last one is told: whoever hears of it looks again. */
function watchBoots(
  { onChange }: ChangesOptions['boots'],
  stack: DisposableStack,
  tell: (boot: BootChange) => void,
  clock: () => number,
): void {
  let last: BootChange | undefined
  const { soon } = stack.use(createGathering(bootPace, () => last && tell(last), clock))
  stack.use(
    onChange(({ machine, phase }) => {
      last = { machine, phase }
      soon()
    }),
  )
}

/**
 * A status by what people see of it: without when it was observed and how far etcd has come, which change with every look,
 * and without the power, which is told by itself.
 */
export function textOfStatus(status: StatusAnswer): string {
  const shown = { ...status, power: undefined, cluster: { ...status.cluster, observedAt: undefined } }
  return JSON.stringify(shown, (key, field: unknown) => (unseen.has(key) ? undefined : field))
}

/** Of etcd (`EtcdFacts`): they grow as long as the cluster lives. */
const unseen: ReadonlySet<string> = new Set(['raftIndex', 'raftApplied', 'dbSize'])

/**
 * The power without how long things last, which changes with every look. When a state began is counted back from now, and
 * may be a millisecond off.
 */
export function textOfPower(value: PowerAnswer): string {
  return JSON.stringify(value, (key, field: unknown) => {
    if (key === 'since' || key === 'lastHeardAt') return undefined
    return typeof field === 'number' && /(forMs|ForMs|MsAgo)$/.test(key) ? 'for a while' : field
  })
}
