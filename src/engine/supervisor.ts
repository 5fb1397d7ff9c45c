import { setTimeout as sleep } from 'node:timers/promises'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { RunningService, ServiceSpec, ServiceStatus } from '../core/service.ts'
import { endService, isWithin, startWithin, whenAborted } from './service-life.ts'

/** In ms. */
export interface SupervisorLimits {
  /** How long a service may take to start. */
  readonly start: number
  /** How long those of the next turn wait for a service that is starting. */
  readonly turn: number
  /** Between the first failure and the next start; it doubles with each failure, up to `longestWait`. */
  readonly firstWait: number
  readonly longestWait: number
  /** A service that has run for so long is well, whatever was before. */
  readonly steady: number
  /** How long the services of one turn may take to end. */
  readonly stop: number
  /** How long all turns together may take to end: a turn has what is left of it, and at least a tenth. */
  readonly stopAll: number
}

export interface SupervisorOptions<Service extends ServiceSpec> {
  readonly services: readonly Service[]
  /** Starts one; what it has subscribed to ends with the signal. */
  readonly start: (service: Service, signal: AbortSignal) => Promise<RunningService>
  readonly alerts: Pick<Alerts, 'open' | 'settle'>
  readonly log: Logger
  readonly now: () => Date
  readonly limits?: Partial<SupervisorLimits>
  /** What ends at the same time as the services that start last: the runs that they have started. */
  readonly stopBeside?: () => Promise<void>
  /** Which of those runs are still under way. */
  readonly stillRunning?: () => readonly string[]
}

export interface Supervisor {
  /** Starts all services, each in its turn. Resolves when each has been tried once, or is not waited for; never rejects. */
  start(): Promise<void>
  /** Restarts a service because its configuration has changed. */
  restart(name: string): void
  /** Ends all services, in the opposite order, once. One that hangs is left behind. */
  stop(): Promise<void>
  readonly status: readonly ServiceStatus[]
}

export const usualLimits: SupervisorLimits = {
  start: 60_000,
  turn: 5_000,
  firstWait: 1_000,
  longestWait: 60_000,
  steady: 30_000,
  stop: 2_500,
  stopAll: 5_500,
}

/** Why a run of a service came to its end: `why` is set where that was not ours to say. */
interface End {
  readonly why?: string
  /** ms that it ran. */
  readonly lasted: number
}

/** One service, from its first start to the end of the daemon. */
interface Life<Service> {
  readonly service: Service
  readonly tried: PromiseWithResolvers<void>
  readonly stopping: AbortController
  /** Ends the current run, or the wait for the next one. */
  restarting: AbortController
  status: ServiceStatus
  running: RunningService | undefined
  ended: Promise<void>
}

/**
 * Keeps services running. One that does not start, or that ends by itself, is an alert, and is restarted after a while;
 * it costs no other service anything.
 */
export function createSupervisor<Service extends ServiceSpec>(options: SupervisorOptions<Service>): Supervisor {
  const { services, start, alerts, log, now } = options
  const limits = { ...usualLimits, ...options.limits }
  let isStopping = false
  /** When everything is to have ended, by the monotonic clock. */
  let endsBy = Infinity
  const lives = services.map((service): Life<Service> => ({
    service,
    tried: Promise.withResolvers<void>(),
    stopping: new AbortController(),
    restarting: new AbortController(),
    status: { name: service.name, state: 'starting', since: now().toISOString(), text: undefined },
    running: undefined,
    ended: Promise.resolve(),
  }))
  const turn = (starts: ServiceSpec['starts']) => lives.filter(({ service }) => service.starts === starts)

  function enter(life: Life<Service>, state: ServiceStatus['state'], text?: string): void {
    life.status = { name: life.service.name, state, since: now().toISOString(), text }
  }

  async function keep(life: Life<Service>): Promise<void> {
    let failures = 0
    while (!life.stopping.signal.aborted) {
      life.restarting = new AbortController()
      const interrupted = AbortSignal.any([life.stopping.signal, life.restarting.signal])
      const { why, lasted } = await runOnce(life, interrupted, failures)
      failures = why === undefined ? 0 : lasted > limits.steady ? 1 : failures + 1
      if (why === undefined) continue
      const wait = Math.min(limits.longestWait, limits.firstWait * 2 ** (failures - 1))
      report(life, why, wait)
      await sleep(wait, undefined, { signal: interrupted }).catch(() => {})
    }
    enter(life, 'stopped')
    life.tried.resolve()
  }

  function report(life: Life<Service>, why: string, again: number): void {
    const { name, starts } = life.service
    enter(life, 'down', why)
    const severity = starts === 'first' ? 'critical' : 'warning'
    const content = { severity, subject: name, text: `the service ${name} is down: ${why}` } as const
    const level = alerts.open(`service.down:${name}`, content) ? 'error' : 'debug'
    log[level]({ service: name, reason: why, again }, 'a service is down; restarting it')
  }

  async function runOnce(life: Life<Service>, interrupted: AbortSignal, failures: number): Promise<End> {
    const { name } = life.service
    const abort = new AbortController()
    let running: RunningService
    try {
      running = await startWithin(limits.start, start(life.service, abort.signal), interrupted)
    } catch (error) {
      abort.abort()
      return { lasted: 0, ...(interrupted.aborted ? {} : { why: messageOf(error) }) }
    } finally {
      life.tried.resolve()
    }
    const began = performance.now()
    life.running = running
    enter(life, 'running')
    // One that ends again and again is not well as soon as it has started.
    const settling = setTimeout(() => alerts.settle(`service.down:${name}`), failures > 1 ? limits.steady : 0)
    const why = await Promise.race([whenAborted(interrupted), endOf(running)])
    const lasted = performance.now() - began
    clearTimeout(settling)
    life.running = undefined
    abort.abort()
    await endOne(name, running)
    return { lasted, ...(why === undefined ? {} : { why }) }
  }

  async function endOne(name: string, running: RunningService): Promise<void> {
    const ending = endService(running).catch((error: unknown) =>
      log.error({ service: name, err: error }, 'a service failed while it ended'),
    )
    if (!(await isWithin(stopLimit(), ending)))
      log.error({ service: name }, 'a service did not stop in time; leaving it behind')
  }

  /** How long a service that is told to end now may take, in ms. */
  function stopLimit(): number {
    return Math.max(limits.stopAll / 10, Math.min(limits.stop, endsBy - performance.now()))
  }

  async function begin(all: readonly Life<Service>[]): Promise<void> {
    if (isStopping) return
    for (const life of all) life.ended = keep(life)
    await isWithin(limits.turn, Promise.all(all.map(({ tried }) => tried.promise)))
  }

  async function end(all: readonly Life<Service>[], beside: readonly Promise<void>[] = []): Promise<void> {
    for (const { stopping } of all) stopping.abort()
    await Promise.all([...all.map(({ ended }) => ended), ...beside])
  }

  let stopped: Promise<void> | undefined
  async function stopAll(): Promise<void> {
    isStopping = true
    endsBy = performance.now() + limits.stopAll
    await end(turn('last'), [endRuns(options, stopLimit())])
    await end(turn(undefined))
    await end(turn('first'))
  }

  return {
    start: async () => {
      await begin(turn('first'))
      await begin(turn(undefined))
      await begin(turn('last'))
    },
    restart: (name) => lives.find(({ service }) => service.name === name)?.restarting.abort(),
    stop: () => (stopped ??= stopAll()),
    get status() {
      return lives.map(({ status, running }) =>
        status.state === 'running' ? { ...status, text: lineOf(running) } : status,
      )
    },
  }
}

/** Ends the runs beside the services, within so many ms; those that do not end are named. */
async function endRuns(
  {
    stopBeside = async () => {},
    stillRunning = () => [],
    log,
  }: Pick<SupervisorOptions<ServiceSpec>, 'stopBeside' | 'stillRunning' | 'log'>,
  within: number,
): Promise<void> {
  const ending = stopBeside().catch((error: unknown) => log.error({ err: error }, 'runs failed while they ended'))
  if (await isWithin(within, ending)) return
  const runs = stillRunning()
  log.error({ runs }, `still running, and left behind: ${runs.length > 0 ? runs.join(', ') : 'what these runs began'}`)
}

/** A status line that fails is no reason for `status` to fail. */
function lineOf(running: RunningService | undefined): string | undefined {
  try {
    return running?.status?.()
  } catch (error) {
    return messageOf(error)
  }
}

function endOf({ ended }: RunningService): Promise<string> {
  if (ended === undefined) return new Promise(() => {})
  return ended.then(() => 'it ended by itself', messageOf)
}
