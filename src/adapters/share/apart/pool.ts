import { AgentError } from '../../../core/errors.ts'
import { createShareProcess, type ShareChild, type ShareProcess } from './process.ts'

export interface PoolOptions {
  /** For messages. */
  readonly directory: string
  readonly start: () => ShareChild
  /** How long a process without work is kept, in ms. */
  readonly keptFor?: number
  /** In ms: after one was given up, the next is tried no sooner. */
  readonly triedAgainAfter?: number
  /** In ms: one that was killed and is still there hangs. */
  readonly lingersAfter?: number
}

/** The processes that work on a share. */
export interface Pool {
  /** The one that looks share. @throws AgentError `unreachable` where too many hang, or one was given up a moment ago */
  desk(): ShareProcess
  /** Said after each use of the desk: it ends when nobody has used it for a while. */
  rest(): void
  /** One for a download alone: the desk where nothing else is asked of it, as it has started already. @throws as `desk` */
  takeOwn(): ShareProcess
  /** After a download that went well: it is the desk again where there is none. */
  giveBack(own: ShareProcess): void
  /** Said of one that hangs; answers what to tell. */
  giveUp(): AgentError
  [Symbol.dispose](): void
}

/** So many processes that hang may be left behind. They end when the share answers again. */
const mostLost = 3

export function createPool(options: PoolOptions): Pool {
  const { directory, start, keptFor = 15_000, triedAgainAfter = 10_000, lingersAfter = 1_000 } = options
  let desk: ShareProcess | undefined
  let resting: NodeJS.Timeout | undefined
  let lost = 0
  let lostAt = -Infinity
  const all = new Set<ShareProcess>()

  const silent = () => new AgentError('unreachable', `the share ${directory} does not answer: is its server up?`)

  function open(): ShareProcess {
    if (lost >= mostLost || performance.now() - lostAt < triedAgainAfter) throw silent()
    const child = start()
    let isLost = false
    const leave = () => {
      all.delete(process)
      if (desk === process) desk = undefined
    }
    const process = createShareProcess({
      ...child,
      kill: () => {
        if (!all.has(process)) return
        leave()
        child.kill()
        const lingers = setTimeout(() => {
          isLost = true
          lost += 1
        }, lingersAfter).unref()
        child.onExit(() => clearTimeout(lingers))
      },
    })
    all.add(process)
    child.onExit(() => {
      leave()
      if (isLost) lost -= 1
    })
    return process
  }

  function rest(): void {
    clearTimeout(resting)
    resting = setTimeout(() => {
      if (desk?.isIdle) desk.end()
    }, keptFor).unref()
  }

  return {
    desk: () => (desk ??= open()),
    rest,
    takeOwn: () => {
      const own = desk
      if (!own?.isIdle) return open()
      desk = undefined
      return own
    },
    giveBack: (own) => {
      if (desk || !all.has(own)) return own.end()
      desk = own
      rest()
    },
    giveUp: () => {
      lostAt = performance.now()
      return silent()
    },
    [Symbol.dispose]: () => {
      clearTimeout(resting)
      for (const process of all) process.end()
    },
  }
}
