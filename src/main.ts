import process from 'node:process'
import type { JournalHandle } from './adapters/journal/journal.ts'
import { lockState } from './adapters/journal/lock.ts'
import { type Agent, type AgentOptions, createAgent } from './agent.ts'
import type { Floor } from './core/clock.ts'
import type { Logger } from './core/log.ts'
import { createQueueDoor } from './engine/queue-door.ts'
import { serveControl } from './http/control.ts'
import { watchClock } from './main/clock-watch.ts'
import { endingInTime } from './main/farewell.ts'
import { watchLoop } from './main/loop-watch.ts'
import { openJournalAndAlerts } from './main/journal.ts'
import { findOwnMachine, holderOf, readBootId } from './main/identity.ts'
import { createLiveSettings, type LiveSettings } from './main/live-settings.ts'
import { watchLives } from './main/renewal.ts'
import { loadOwnJobs } from './main/registry.ts'
import { checkServices, createServices, recallSchematics } from './main/services.ts'
import type { Settings } from './main/settings.ts'
import { tellAlerts } from './main/tell.ts'
import { ownRelease } from './main/version.ts'
import { openWorld } from './main/wiring.ts'
import type { Job } from './operations/job.ts'
import { createClock } from './operations/clock.ts'
import { createOperator } from './operations/operator.ts'

export interface DaemonOptions {
  readonly settings: Settings
  readonly log: Logger
  /** Ends the daemon, in good order. */
  readonly signal: AbortSignal
  /** The poll interval of waits, in ms. */
  readonly pollEvery?: number | undefined
  /** Receives the function to call on SIGHUP, which reads the configuration again. */
  readonly onHangup?: (reread: () => void) => void
}

/**
 * The daemon, from its start to its end. What starts later is stopped earlier; a part that fails to start stops those
 * before it, except services, which are started again.
 *
 * @throws AgentError `misconfigured` when it can't begin
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { log, signal } = options
  const startedAt = new Date()
  await using stack = new AsyncDisposableStack()
  stack.use(lockState(options.settings.state))
  const { journal, alerts } = openJournalAndAlerts(options.settings.state, log)
  stack.use(journal)
  const settings = createLiveSettings({ settings: options.settings, journal, alerts, log })
  const { version, releasedAt } = await ownRelease()
  const clock = createClock({
    journal,
    alerts,
    now: () => new Date(),
    monotonic: () => performance.now(),
    floors: floorsOf(journal, releasedAt),
  })
  clock.look()
  const told = { ...tellAlerts(settings, alerts, log), time: clock.hear }
  const world = await openWorld({ settings, journal, log, isDaemon: true, told })
  stack.use(endingInTime('connections', world, log))
  const { ports } = world
  await checkServices(settings)

  const jobs = await loadOwnJobs()
  const schematics = recallSchematics(ports)
  const queue = createQueueDoor(() => void agent.emit({ type: 'agent.started' }))
  const agent = createAgent({
    ...(await agentOptions(settings, journal, options.pollEvery)),
    config: () => settings.config,
    ports,
    jobs,
    queue,
    alerts,
    log,
    clock,
    schematics: () => schematics.current,
  })
  stack.use(watchLoop({ alerts, log, running: () => agent.running }))
  const services = createServices({ settings, ports, agent, queue, schematics, alerts, log })
  // A later part that fails must not leave runs behind.
  stack.defer(services.stop)
  // In the background: unreachable control planes must not delay the power guard.
  const lives = watchLives({ alerts, journal, log, all: world.credentials, whyWrong: clock.whyWrong })
  stack.use(endingInTime('credentials', lives, log))
  void lives.check()
  stack.use(watchClock({ clock, jobs, start: agent.start, recheck: () => void lives.check() }))
  const operator = createOperator({
    agent,
    ports,
    config: () => settings.config,
    counts: queue.counts,
    about: {
      version,
      pid: process.pid,
      startedAt,
      services: () => services.status,
      missing: () => world.missing,
      configuration: () => settings.fault ?? settings.pending,
    },
    loginRefused: (label) => world.loginsRefused.get(label),
  })
  void services.start()
  stack.use(endingInTime('control socket', await serveControl(settings.socket, operator, { log }), log))
  // Before the socket closes, so clients that wait for a run get its outcome.
  stack.defer(services.stop)

  takeUpOutage(agent, jobs, journal)
  follow(settings, options, stack)
  await settings.keep()
  log.info({ config: settings.file, pid: process.pid }, 'caretaker is running')
  await aborted(signal)
  log.info({}, 'stopping')
}

/** What has passed for certain: our release, and what we wrote down last. */
function floorsOf(journal: JournalHandle, releasedAt: number): readonly Floor[] {
  const newest = Date.parse(journal.entries(1)[0]?.at ?? '')
  return [
    { what: 'this release of Caretaker', at: releasedAt },
    ...(Number.isFinite(newest) ? [{ what: 'the newest entry of the journal', at: newest }] : []),
  ]
}

/** The agent's identity and its intervals. */
async function agentOptions(
  { config: { nodes, hosts }, environment }: Settings,
  journal: JournalHandle,
  pollEvery: number | undefined,
): Promise<Partial<AgentOptions>> {
  return {
    holder: holderOf(journal),
    ownNode: findOwnMachine(nodes, environment),
    ownMachine: findOwnMachine([...nodes, ...hosts], environment),
    bootId: await readBootId(),
    ...(pollEvery === undefined ? {} : { pollEvery, leaseRetry: Math.min(15_000, pollEvery * 5) }),
  }
}

/** Resumes an unfinished outage, whatever the UPS says. */
function takeUpOutage(agent: Agent, jobs: readonly Job[], journal: JournalHandle): void {
  if (!journal.openOutage() && agent.guard.power.ordered === undefined) return
  for (const job of jobs) if (job.name === 'wake-cluster' || job.name === 'shut-down-cluster') void agent.start(job)
}

/** Follows the edits of the configuration until the end. */
function follow(settings: LiveSettings, { onHangup }: DaemonOptions, stack: AsyncDisposableStack): void {
  const stop = new AbortController()
  void settings.follow(stop.signal)
  onHangup?.(() => void settings.reread())
  // Not waited for: on a share that hangs a look at the file never ends.
  stack.defer(() => stop.abort())
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
