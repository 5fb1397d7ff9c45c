import { dirname, resolve } from 'node:path'
import process from 'node:process'
import type { JournalHandle } from './adapters/journal/journal.ts'
import { type Agent, type AgentOptions, createAgent } from './agent.ts'
import type { Alerts } from './core/alert.ts'
import { AgentError } from './core/errors.ts'
import type { Floor } from './core/clock.ts'
import type { Logger } from './core/log.ts'
import { createMeter } from './core/metrics/meter.ts'
import type { ServiceStatus } from './core/service.ts'
import { createQueueDoor } from './engine/queue-door.ts'
import { serveControl } from './http/control.ts'
import { watchClock } from './main/clock-watch.ts'
import { doctorWith, type MadeLater } from './main/doctor.ts'
import { endingInTime } from './main/farewell.ts'
import { type Finished, tellFinished } from './main/interrupted-restore.ts'
import { watchLoop } from './main/loop-watch.ts'
import { openJournalAndAlerts } from './main/journal.ts'
import { settleDamage } from './main/journal-damage.ts'
import { findOwnMachine, holderOf, readBootId } from './main/identity.ts'
import { createKeys } from './main/keys.ts'
import type { LiveSettings } from './main/live-settings.ts'
import { keepBoots } from './main/boots.ts'
import { followInventory } from './main/inventory.ts'
import { keepStatePrivate, type StateAccess } from './main/private-state.ts'
import { watchLives } from './main/renewal.ts'
import { loadOwnJobs } from './main/registry.ts'
import { openProvision } from './main/provision/provision.ts'
import { checkServices, createServices, recallSchematics } from './main/services.ts'
import type { Settings } from './main/settings.ts'
import { keepServing } from './main/socket.ts'
import { reportState, takeState } from './main/state.ts'
import type { Supervisor } from './main/systemd.ts'
import { tellAlerts } from './main/tell.ts'
import { ownRelease } from './main/version.ts'
import { tellOfLife, type Watchdog } from './main/watchdog.ts'
import { openWorld, type World } from './main/wiring.ts'
import type { Job } from './operations/job.ts'
import { failedBefore } from './operations/alerts.ts'
import { createClock, type WatchedClock } from './operations/clock.ts'
import { createNotifierDoor } from './operations/notification-requests.ts'
import { createOperator, type OperatorOptions } from './operations/operator.ts'

/** Between two checks of every page of the journal, in ms. */
const verifiesEvery = 86_400_000
/** Between two tries whether a disk that failed works again, in ms; one in so many is made where it works. */
const probesEvery = 15_000
const probesRarely = 20
/** Between two looks at whether a person has removed a journal that was set aside, in ms. */
const looksEvery = 60_000

export interface DaemonOptions {
  readonly settings: Settings
  readonly log: Logger
  /** Changes of files that a crash had cut off, and what became of them. */
  readonly finished?: readonly Finished[]
  /** Ends the daemon, in good order. */
  readonly signal: AbortSignal
  /** The poll interval of waits, in ms. */
  readonly pollEvery?: number | undefined
  /** Receives the function to call on SIGHUP, which reads the configuration again. */
  readonly onHangup?: (reread: () => void) => void
  /** Who restarts this process when it hangs. */
  readonly supervisor?: Supervisor | undefined
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
  const state = stack.use(takeState(options.settings.state))
  const access = await closeState(options.settings, state.hasRun)
  const { journal, alerts } = openJournalAndAlerts(options.settings.state, log, undefined, state.hasJournal)
  stack.use(journal)
  reportState(state, alerts, log)
  tellFinished(options.finished, { journal, alerts, log })
  tellAccess(access, alerts, log)
  const { settings, newcomers } = followInventory({ settings: options.settings, journal, alerts, log })
  const { version, releasedAt } = await ownRelease()
  const clock = openClock(journal, alerts, releasedAt)
  const told = { ...tellAlerts(settings, alerts, log), time: clock.hear }
  const meter = createMeter()
  const made: MadeLater = {}
  const world = await openWorld({ settings, journal, log, meter, isDaemon: true, told, doctor: doctorWith(made) })
  stack.use(endingInTime('connections', world, log))
  const { ports } = world
  const shared = { ports, alerts, log, meter, key: createKeys(settings.state, log) }
  await checkServices(settings)
  const jobs = await loadOwnJobs()
  const schematics = recallSchematics(ports)
  const queue = createQueueDoor(() => void agent.emit({ type: 'agent.started' }))
  const agent = createAgent({
    ...(await agentOptions(settings, journal, options.pollEvery)),
    config: () => settings.config,
    ...shared,
    jobs,
    queue,
    clock,
    schematics: () => schematics.current,
  })
  stack.use(watchLoop({ alerts, log, meter, running: () => agent.running }))
  const notifier = createNotifierDoor()
  const boots = stack.use(keepBoots({ agent, journal, alerts, config: () => settings.config }))
  const provision = stack.use(await openProvision({ settings, ports, agent, world, schematics, boots, alerts, log }))
  made.renderer = provision.renderer
  const operator = createOperator({
    agent,
    ports,
    config: () => settings.config,
    queue,
    about: aboutDaemon({ version, startedAt, world, settings, services: () => services.status }),
    notifier: () => notifier.current,
    boots,
    ...provision,
    ...newcomers,
    loginRefused: (label) => world.loginsRefused.get(label),
  })
  const means = { ...shared, settings, agent, queue, schematics, operator, notifier }
  const services = createServices({ ...means, desk: provision.desk, machines: newcomers.notice, boots })
  // A later part that fails must not leave runs behind.
  stack.defer(services.stop)
  // In the background: unreachable control planes must not delay the power guard.
  const lives = watchLives({ alerts, journal, log, meter, all: world.credentials, whyWrong: clock.whyWrong })
  stack.use(endingInTime('credentials', lives, log))
  void lives.check()
  stack.use(watchClock({ clock, jobs, start: agent.start, recheck: () => void lives.check() }))
  void services.start()
  const { state: directory, environment } = options.settings
  const socket = { path: settings.socket, state: directory, environment, operator, log, alerts }
  const served = state.hasRun ? await keepServing(socket) : await serveControl(settings.socket, operator, { log })
  stack.use(endingInTime('control socket', served, log))
  // Before the socket closes, so clients that wait for a run get its outcome.
  stack.defer(services.stop)
  takeUpOutage(agent, jobs, journal)
  for (const job of failedBefore(jobs, alerts)) void agent.start(job)
  const watchdog = stack.use(watchedBy(options, settings, agent, () => services.status))
  follow(settings, options, stack)
  await settings.keep()
  stack.use(verifyDaily(journal))
  stack.use(probeDisk(journal))
  stack.use(settleLosses(options.settings.state, alerts))
  log.info({ config: settings.file, pid: process.pid }, 'caretaker is running')
  watchdog.ready()
  await aborted(signal)
  log.info({}, 'stopping')
}

/** What the status tells of the daemon itself. */
function aboutDaemon(of: {
  readonly version: string
  readonly startedAt: Date
  readonly world: World
  readonly settings: LiveSettings
  services(): readonly ServiceStatus[]
}): OperatorOptions['about'] {
  const { version, startedAt, world, settings, services } = of
  return {
    version,
    pid: process.pid,
    startedAt,
    services,
    missing: () => world.missing,
    configuration: () => settings.fault ?? settings.pending,
  }
}

/** Has looked once when it is returned: what follows may ask it. */
function openClock(journal: JournalHandle, alerts: Alerts, releasedAt: number): WatchedClock {
  const clock = createClock({
    journal,
    alerts,
    now: () => new Date(),
    monotonic: () => performance.now(),
    floors: floorsOf(journal, releasedAt),
  })
  clock.look()
  return clock
}

/** Checks every page of the journal now and once a day. A file of years takes a slow card its time: nothing waits for it. */
function verifyDaily(journal: JournalHandle): Disposable {
  void journal.verify()
  const verifying = setInterval(() => void journal.verify(), verifiesEvery).unref()
  return { [Symbol.dispose]: () => clearInterval(verifying) }
}

/**
 * In a quiet hour little is written, and a disk that fails is noticed by what is: so what waits is written now and then,
 * and often while the disk fails.
 */
function probeDisk(journal: JournalHandle): Disposable {
  let rounds = 0
  const probing = setInterval(() => {
    rounds += 1
    if (journal.degraded !== undefined || rounds % probesRarely === 0) journal.flush()
  }, probesEvery).unref()
  return { [Symbol.dispose]: () => clearInterval(probing) }
}

/** Settles the alerts on journals that were lost, once a person has removed their files. */
function settleLosses(directory: string, alerts: Alerts): Disposable {
  const looking = setInterval(() => settleDamage({ alerts, directory }, new Date()), looksEvery).unref()
  return { [Symbol.dispose]: () => clearInterval(looking) }
}

/**
 * Closes the state directory to others. Where that can't be, a first start is refused; later it is an alert, since the
 * power is to be guarded.
 *
 * @throws AgentError `misconfigured`
 */
async function closeState({ state, file, hasRun, environment }: Settings, hasTraces: boolean): Promise<StateAccess> {
  // Nobody's home, nor the folder of the configuration, is closed to those who work there.
  const shared = [dirname(resolve(file)), resolve(environment['HOME'] || '/'), '/']
  const access = await keepStatePrivate({ directory: state, uid: process.geteuid?.() ?? 0, shared })
  if (access.fault !== undefined && !hasRun && !hasTraces) throw new AgentError('misconfigured', access.fault)
  return access
}

function tellAccess({ tightened, fault }: StateAccess, alerts: Alerts, log: Logger): void {
  if (tightened.length > 0)
    log.warn({ tightened }, 'others could read the state directory: now only the user of the daemon can')
  alerts.report(
    'state.access',
    fault === undefined ? undefined : { severity: 'warning', subject: 'state', text: fault },
  )
}

/** What has passed for certain: our release, and what we wrote down last. */
function floorsOf(journal: JournalHandle, releasedAt: number): readonly Floor[] {
  const newest = Date.parse(journal.entries(1)[0]?.at ?? '')
  return [
    { what: 'this release of Caretaker', at: releasedAt, isCertain: true },
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

/** Tells whoever restarts this process that the power is guarded. */
function watchedBy(
  { supervisor, log }: DaemonOptions,
  settings: LiveSettings,
  { guard }: Agent,
  services: () => readonly ServiceStatus[],
): Watchdog {
  const pollInterval = () => {
    const { upses, power } = settings.config
    return Math.max(...upses.map((ups) => ups.pollInterval ?? power.pollInterval), 0)
  }
  return tellOfLife({ supervisor, guard, services, pollInterval, log })
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
