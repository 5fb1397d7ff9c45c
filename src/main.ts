import { join } from 'node:path'
import process from 'node:process'
import { createQueue } from './services/queue/queue.ts'
import type { StoreAddress } from './services/queue/connection.ts'
import { checkStore, socketOf } from './services/queue/store.ts'
import { lockState } from './adapters/journal/lock.ts'
import { type Agent, createAgent } from './agent.ts'
import { serveControl } from './http/control.ts'
import { isOfKind, nameIn } from './core/alert.ts'
import { AgentError } from './core/errors.ts'
import type { Logger } from './core/log.ts'
import { schematicsInUse } from './core/release/schematic.ts'
import { remembered } from './operations/facts.ts'
import { createOperator } from './operations/operator.ts'
import { loadJobs } from './engine/catalogue.ts'
import { openJournalAndAlerts } from './main/journal.ts'
import { findOwnMachine, holderOf, readBootId } from './main/identity.ts'
import { ownVersion } from './main/version.ts'
import { watchLives } from './main/renewal.ts'
import { startWork } from './services/queue/work.ts'
import { readSecret, type Settings, toSchematic } from './main/settings.ts'
import { watchNodes } from './services/node-watch/watch.ts'
import { loadSchematics } from './services/schematics-watch/watch.ts'
import { watchUps } from './services/ups-watch/watch.ts'
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
  const { journal, alerts } = openJournalAndAlerts(state, log)
  stack.use(journal)
  const world = stack.use(await openWorld({ settings, journal, alerts, log }))
  const agentSoon = Promise.withResolvers<Agent>()
  const needed = schematicsInUse(config)
  const refused = new Set<string>()
  const schematics = stack.use(
    await loadSchematics({
      directory: settings.schematics,
      parse: toSchematic,
      needed,
      lastGood: (name) => remembered.schematics.recall(journal)?.[name],
      changed: async (schematic) => {
        remembered.schematics.remember(journal, Object.fromEntries(schematics.current))
        await (await agentSoon.promise).emit({ type: 'schematic.changed', schematic })
      },
      refused: (name, why) => {
        if (why !== undefined) refused.add(name)
        alerts.report(
          `schematic.refused:${name}`,
          why === undefined ? undefined : { severity: 'warning', subject: name, text: why },
        )
      },
      log,
    }),
  )
  alerts.settleWhere(({ id }) => isOfKind(id, 'schematic') && !refused.has(nameIn(id) ?? ''))
  remembered.schematics.remember(journal, Object.fromEntries(schematics.current))
  for (const name of needed) {
    if (!schematics.current.has(name))
      throw new AgentError(
        'misconfigured',
        `${settings.file}: there is no ${join(settings.schematics, `${name}.yaml`)} for the schematic ${name}`,
      )
  }

  const { ownStore } = settings
  // What a person has to mend is said before anything is begun.
  if (ownStore) await checkStore(ownStore)
  const address = await addressOf(settings)
  const queue = createQueue({ name: 'caretaker', address, log })
  const jobs = await loadJobs(new URL('../jobs/', import.meta.url))
  const agent = createAgent({
    config,
    ports: world.ports,
    jobs,
    queue,
    alerts,
    log,
    schematics: () => schematics.current,
    holder: holderOf(journal),
    ownNode: findOwnMachine(config.nodes, settings.environment),
    ownMachine: findOwnMachine([...config.nodes, ...config.hosts], settings.environment),
    bootId: await readBootId(),
    ...(pollEvery === undefined ? {} : { pollEvery, leaseRetry: Math.min(15_000, pollEvery * 5) }),
  })
  agentSoon.resolve(agent)
  // First of all what can be stopped: a part after this that fails must not leave runs behind.
  stack.defer(agent.stop)
  schematics.watch()

  // Beside everything else: control planes that are away must not keep the power unguarded.
  void stack.use(watchLives({ journal, alerts, log, all: world.credentials })).check()

  // The power first: nothing that comes after it may keep a failing battery waiting.
  const watching = new AbortController()
  const { pollOnBattery, pollOnMains } = config.power
  const watchers = [
    ...[...world.upses].map(([label, ups]) =>
      watchUps(ups, {
        pollOnMains,
        pollOnBattery,
        power: () => agent.guard.power.upses.get(label),
        notice: (seen) => agent.guard.notice(label, seen),
        signal: watching.signal,
      }),
    ),
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
      createOperator({
        agent,
        ports: world.ports,
        config: () => config,
        counts: queue.counts,
        about: { version: await ownVersion(), pid: process.pid, startedAt },
        loginRefused: (label) => world.loginsRefused.get(label),
      }),
      { log },
    ),
  )
  stack.use(
    startWork({
      agent,
      queue,
      address,
      ownStore,
      alerts,
      log,
    }),
  )
  // Whatever the UPS says, and if there is none: what a power cut has left behind is taken up.
  const left = jobs.filter(({ name }) => name === 'wake-cluster' || name === 'shut-down-cluster')
  if (journal.openOutage() || agent.guard.power.ordered !== undefined) for (const job of left) void agent.start(job)
  log.info({ config: settings.file, pid: process.pid }, 'caretaker is running')
  await aborted(signal)
  log.info({}, 'stopping')
}

async function addressOf(settings: Settings): Promise<StoreAddress> {
  const { url, password } = settings.config.queue
  if (settings.ownStore) return { path: socketOf(settings.ownStore.directory) }
  // Without our own store there is a url.
  return { url: url!, password: password ? await readSecret(password, 'queue.password', settings) : undefined }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
