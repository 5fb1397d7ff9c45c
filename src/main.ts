import { join } from 'node:path'
import process from 'node:process'
import { createQueue } from './adapters/bullmq/queue.ts'
import type { StoreAddress } from './adapters/bullmq/connection.ts'
import { type EmbeddedStore, openEmbeddedStore, socketOf } from './adapters/bullmq/store.ts'
import { startWorker } from './adapters/bullmq/worker.ts'
import { openJournal } from './adapters/journal/journal.ts'
import { lockState } from './adapters/journal/lock.ts'
import { type Agent, createAgent } from './agent.ts'
import { createControl } from './main/answers.ts'
import { serveControl } from './control/server.ts'
import { AgentError, messageOf } from './core/errors.ts'
import type { Logger } from './core/log.ts'
import { loadJobs } from './engine/catalogue.ts'
import { ownVersion } from './main/version.ts'
import { readSecret, type Settings, toSchematic } from './main/settings.ts'
import { watchNodes } from './watchers/nodes.ts'
import { loadSchematics } from './watchers/schematics.ts'
import { watchUps } from './watchers/ups.ts'
import { openWorld } from './main/wiring.ts'

/** Between two signs of life asked of a node, in ms. */
const nodesEvery = 30_000

export interface DaemonOptions {
  readonly settings: Settings
  readonly log: Logger
  /** Ends the daemon, in good order. */
  readonly signal: AbortSignal
  /** Between two looks of a wait, in ms. */
  readonly pollEvery?: number | undefined
}

/**
 * The daemon, from its start to its end. What starts later is stopped earlier; a part that fails to start stops those
 * before it.
 *
 * @throws AgentError `misconfigured` when it can't begin
 */
export async function runDaemon({ settings, log, signal, pollEvery }: DaemonOptions): Promise<void> {
  const { config, path, socket } = settings
  const startedAt = new Date()
  const state = path(config.state)
  await using stack = new AsyncDisposableStack()
  stack.use(lockState(state))
  const journal = stack.use(
    openJournal(state, {
      onDegraded: (why) =>
        why === undefined
          ? log.info({}, 'the journal is on the disk again')
          : log.error({ reason: why }, 'the journal is kept in memory: the disk does not take it'),
    }),
  )
  const world = stack.use(
    await openWorld({
      settings,
      journal,
      onLoginRefused: (why) => {
        log.error({ reason: why }, 'the UPS server refuses our login; it is watched without')
        journal.write({ kind: 'alert', subject: 'ups', text: why })
      },
    }),
  )
  const agentSoon = Promise.withResolvers<Agent>()
  const schematics = stack.use(
    await loadSchematics({
      directory: settings.schematics,
      parse: toSchematic,
      changed: async (schematic) => (await agentSoon.promise).emit({ type: 'schematic.changed', schematic }),
      refused: (name, why) => journal.write({ kind: 'alert', subject: name, text: why }),
      log,
    }),
  )
  for (const name of [config.schematic, ...config.nodes.flatMap(({ schematic }) => schematic ?? [])]) {
    if (!schematics.current.has(name))
      throw new AgentError(
        'misconfigured',
        `${settings.file}: there is no ${join(settings.schematics, `${name}.yaml`)} for the schematic ${name}`,
      )
  }

  const store = storeOf(settings)
  // Closed after the queue and the worker; opened when the power is being watched.
  let ownStore: EmbeddedStore | undefined
  stack.defer(async () => ownStore?.[Symbol.asyncDispose]())
  const address = await addressOf(store, settings)
  const queue = stack.use(createQueue({ name: 'caretaker', address, log }))
  const jobs = await loadJobs(new URL('../jobs/', import.meta.url))
  const agent = createAgent({
    config,
    ports: world.ports,
    jobs,
    queue,
    log,
    schematics: () => schematics.current,
    ...(pollEvery === undefined ? {} : { pollEvery, leaseRetry: Math.min(15_000, pollEvery * 5) }),
  })
  agentSoon.resolve(agent)
  schematics.watch()

  // The power first: nothing that comes after it may keep a failing battery waiting.
  const watching = new AbortController()
  const { pollOnBattery, pollOnMains } = config.power
  const { ups } = world
  const watchers = [
    ...(ups
      ? [
          watchUps(ups, {
            pollOnMains,
            pollOnBattery,
            power: () => agent.power,
            notice: agent.noticePower,
            signal: watching.signal,
          }),
        ]
      : []),
    watchNodes(
      config.nodes.map(({ name }) => name),
      world.ports.talos,
      { every: nodesEvery, notice: agent.noticeNode, signal: watching.signal },
    ),
  ]
  stack.defer(async () => {
    watching.abort()
    await Promise.all(watchers)
  })
  stack.use(
    await serveControl(
      socket,
      createControl({
        agent,
        ports: world.ports,
        queue,
        version: await ownVersion(),
        pid: process.pid,
        startedAt,
        hasUps: ups !== undefined,
        loginRefused: () => world.loginRefused,
      }),
    ),
  )
  if ('directory' in store) {
    ownStore = await openEmbeddedStore({
      directory: store.directory,
      searchPath: settings.environment['PATH'] ?? '',
      log,
    })
  }
  const worker = await startWorker({ name: 'caretaker', address, queue, jobs, runJob: agent.runJob, log })
  stack.defer(async () => {
    // Runs let go of what they hold before the worker gives their jobs back.
    await Promise.all([agent.stop(), worker[Symbol.asyncDispose]()])
  })
  // A store that is away at the start is no reason not to watch the power.
  const scheduled = scheduleWhenReady()
  log.info({ config: settings.file, pid: process.pid }, 'caretaker is running')
  await aborted(signal)
  log.info({}, 'stopping')
  await Promise.race([scheduled, Promise.resolve()])

  async function scheduleWhenReady(): Promise<void> {
    try {
      await queue.ready()
      await queue.schedule(jobs)
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'schedules not set')
    }
  }
}

/** Our own store below the state directory, or the one that is named. */
function storeOf({ config, path }: Settings): { readonly directory: string } | { readonly url: string } {
  const { url } = config.queue
  return url === undefined ? { directory: join(path(config.state), 'queue') } : { url }
}

async function addressOf(store: ReturnType<typeof storeOf>, settings: Settings): Promise<StoreAddress> {
  if ('directory' in store) return { path: socketOf(store.directory) }
  const { password } = settings.config.queue
  return { url: store.url, password: password ? await readSecret(password, 'queue.password', settings) : undefined }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
