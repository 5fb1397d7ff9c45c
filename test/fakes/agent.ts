import { type Agent, createAgent } from '../../src/agent.ts'
import type { Alerts } from '../../src/core/alert.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { type Config, parseConfig } from '../../src/config/config.ts'
import type { Job } from '../../src/operations/job.ts'
import type { Timekeeper } from '../../src/operations/timekeeper.ts'
import type { Outcome } from '../../src/core/job.ts'
import type { RegisteredSchematic } from '../../src/core/release/schematic.ts'
import type { Journal } from '../../src/core/journal.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { RecordKind, Records } from '../../src/core/records.ts'
import type { Meter } from '../../src/core/metrics/meter.ts'
import { english, type Wording } from '../../src/core/wording.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { loadJobs } from '../../src/engine/catalogue.ts'
import type { FakeHomelab } from './homelab.ts'
import { silentLog } from './log.ts'

export const jobs = await loadJobs<Job>(new URL('../../jobs/', import.meta.url))
export const jobNamed = (name: string): Job => jobs.find((job) => job.name === name)!

export interface StartOptions {
  /** Lines of YAML below `upgrade:` and `power:`. */
  readonly upgrade?: Readonly<Record<string, unknown>>
  readonly power?: Readonly<Record<string, unknown>>
  /** Lines of `share:`, and of `images:` one by one. */
  readonly share?: Readonly<Record<string, unknown>>
  readonly images?: readonly Readonly<Record<string, unknown>>[]
  /** Added to the configuration: `hosts`, or lines of nodes and UPSes by name. */
  readonly hosts?: readonly Readonly<Record<string, unknown>>[]
  readonly node?: (name: string) => Readonly<Record<string, unknown>>
  readonly upses?: readonly string[]
  /** Lines of every UPS. */
  readonly ups?: Readonly<Record<string, unknown>>
  readonly now?: () => Date
  /** Whether the wall clock is to be believed. */
  readonly timekeeper?: Timekeeper
  /** Its alerts, where something beside the agent reports to them. */
  readonly alerts?: Alerts
  readonly ownNode?: string
  readonly ownMachine?: string
  readonly bootId?: string
  readonly leaseGrace?: number
  readonly schematics?: ReadonlyMap<string, RegisteredSchematic>
  readonly wording?: Wording
  readonly meter?: Meter
}

export interface StartedAgent extends AsyncDisposable {
  /** As by kill -9: from now on it writes nothing down, and nothing that it calls has an effect or an answer. */
  die(): void
  readonly agent: Agent
  readonly config: Config
  /** Jobs that wait in the queue. */
  readonly waiting: Job[]
  /** Runs what is queued until nothing is, and returns how each run ended. Runs that say `later, now` go on at once. */
  runQueue(): Promise<Outcome[]>
  run(name: string): Promise<Outcome>
  /** One reading of the UPS, so many ms after the last. */
  reads(reading: Partial<UpsReading> & { status: readonly string[] }, afterMs?: number, label?: string): Promise<void>
  silent(afterMs?: number, label?: string): Promise<void>
  /** Time passes, and nobody hears of the UPS. */
  passes(ms: number): void
}

const configs = new Map<string, Config>()

/** A story is played hundreds of times with the same text, and whoever gets a configuration only reads it. */
function configOf(text: string): Config {
  const config = configs.get(text) ?? parseConfig(text, 'test.yaml')
  configs.set(text, config)
  return config
}

/** The whole agent on a fake homelab. Times are short, and the UPS's clock is moved by its readings. */
export function startAgent(
  homelab: FakeHomelab,
  {
    upgrade,
    power,
    share,
    images = [],
    now,
    timekeeper,
    alerts,
    leaseGrace = 50,
    schematics,
    hosts = [],
    node = () => ({}),
    upses = ['ups'],
    ups = {},
    ownNode,
    ownMachine = ownNode,
    bootId,
    wording = english,
    meter,
  }: StartOptions = {},
): StartedAgent {
  const config = configOf(
    JSON.stringify({
      cluster: { talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
      nodes: [...homelab.machines.values()].map(({ name, role }, index) => ({
        name,
        role,
        address: `10.0.0.${index + 1}`,
        ...node(name),
      })),
      hosts: hosts.map((host, index) => ({
        address: `10.0.1.${index + 1}`,
        mac: `00:1b:21:3a:50:0${index}`,
        shutdown: { ssh: { user: 'root', key: 'key', knownHosts: 'known_hosts' } },
        ...host,
      })),
      schematic: 'homelab',
      share: { directory: 'share', ...share },
      images,
      upses: upses.map((label) => ({ host: '10.0.0.99', label, ...ups })),
      upgrade: {
        soak: '0s',
        settle: '0s',
        drainTimeout: '200ms',
        installTimeout: '1s',
        rebootTimeout: '1s',
        retryAfter: '10ms',
        ...upgrade,
      },
      power: {
        onBatteryAfter: '0s',
        onMainsAfter: '0s',
        lowBatteryAfter: '0s',
        unconfirmedLowBatteryAfter: '0s',
        drainTimeout: '200ms',
        shutdownTimeout: '1s',
        reserve: '0s',
        wake: {
          stableAfter: '0s',
          minimumRuntime: '0s',
          unknownChargeAfter: '0s',
          retryInterval: '5ms',
          giveUpAfter: '1s',
        },
        ...power,
      },
    }),
  )
  // The fake wire wakes a machine by its name.
  const withMacs: Config = { ...config, nodes: config.nodes.map((node) => ({ ...node, mac: node.name })) }
  const own: RegisteredSchematic = { id: [...homelab.machines.values()][0]?.schematic ?? 'a'.repeat(64), schematic: {} }
  const known = schematics ?? new Map([['homelab', own]])
  const mortal = mortalPorts(homelab.ports)
  const waiting: Job[] = []
  let clock = 0
  const agent = createAgent({
    config: () => withMacs,
    ports: mortal.ports,
    jobs,
    queue: { add: async ({ name }) => void (waiting.some((job) => job.name === name) || waiting.push(jobNamed(name))) },
    alerts: alerts ? mortal.alive(alerts) : createAlerts(mortal.ports.journal, now ?? (() => new Date())),
    log: silentLog,
    wording,
    schematics: () => known,
    pollEvery: 1,
    leaseGrace,
    leaseRetry: 5,
    monotonic: () => clock,
    ...(now ? { now } : {}),
    ...(meter ? { meter } : {}),
    ...(timekeeper ? { clock: timekeeper } : {}),
    ownNode,
    ownMachine,
    bootId,
  })
  const signal = new AbortController().signal

  return {
    die: mortal.die,
    agent,
    config: withMacs,
    waiting,
    run: (name) => agent.runJob(jobNamed(name), signal),
    runQueue: async () => {
      const outcomes: Outcome[] = []
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        const outcome = await agent.runJob(job, signal)
        outcomes.push(outcome)
        if (outcome.kind === 'later' && outcome.at.getTime() <= Date.now() && !waiting.includes(job)) waiting.push(job)
      }
      return outcomes
    },
    reads: async (reading, afterMs = 1_000, label = upses[0]!) => {
      clock += afterMs
      agent.guard.notice(label, { kind: 'reading', at: clock, reading })
    },
    silent: async (afterMs = 1_000, label = upses[0]!) => {
      clock += afterMs
      agent.guard.notice(label, { kind: 'silence', at: clock, why: 'the UPS does not answer' })
    },
    passes: (ms) => void (clock += ms),
    [Symbol.asyncDispose]: () => agent.stop(),
  }
}

/** What a dead agent has at hand of it writes nothing, and holds nothing: also the records that it got while it lived. */
function mortalJournal(journal: Journal, isDead: () => boolean): Journal {
  const recordsOf = <T>(kind: RecordKind<T>): Records<T> => {
    const records = journal.records(kind)
    return {
      get: (key) => (isDead() ? undefined : records.get(key)),
      open: () => (isDead() ? [] : records.open()),
      newest: (limit, before) => (isDead() ? [] : records.newest(limit, before)),
      lastKey: () => (isDead() ? undefined : records.lastKey()),
      save: (record, durability) => (isDead() ? undefined : records.save(record, durability)),
      remove: (key, durability) => (isDead() ? undefined : records.remove(key, durability)),
    }
  }
  return new Proxy(journal, {
    get: (target, name) => {
      if (name === 'records') return recordsOf
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => (isDead() ? undefined : Reflect.apply(value, target, given))
    },
  })
}

/** The ports of an agent that may die at any moment: what it had not done by then it never does. */
function mortalPorts(ports: Ports): {
  readonly ports: Ports
  die(): void
  /** The same of something else that it has. */
  alive<T extends object>(one: T): T
} {
  let isDead = false
  const mortal = <Port extends object>(port: Port, ended: () => unknown): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => (isDead ? ended() : Reflect.apply(value, target, given))
      },
    })
  const forever = () => new Promise(() => {})
  const { journal, upses, ...others } = ports
  const wrapped = Object.fromEntries(
    Object.entries(others).map(([name, port]) => [name, mortal(port as object, forever)]),
  )
  return {
    die: () => void (isDead = true),
    alive: (one) => mortal(one, () => undefined),
    ports: {
      ...(wrapped as Omit<Ports, 'journal' | 'upses'>),
      // The dead read nothing either, but what they read last must not make them throw.
      journal: mortalJournal(journal, () => isDead),
      upses: new Map([...upses].map(([label, ups]) => [label, mortal(ups, forever)])),
    },
  }
}
