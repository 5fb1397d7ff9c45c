import { join } from 'node:path'
import { createClient } from '../../src/http/client.ts'
import { serveControl } from '../../src/http/control.ts'
import { type Limits, socketLimits } from '../../src/http/limits.ts'
import { createListeners } from '../../src/core/listeners.ts'
import type { Logger } from '../../src/core/log.ts'
import type { PageRequest } from '../../src/core/page.ts'
import type { Asked, Change, Operator, RunAnswer } from '../../src/core/operator.ts'
import type { RequestAnswer } from '../../src/core/request-answer.ts'
import { silentLog } from '../fakes/log.ts'
import { rawControl } from '../lab/control.ts'
import { temporaryFolder } from '../lab/process.ts'

/** A run that was asked for, which ends as the test says. */
export interface Call {
  readonly job: string
  readonly wait: boolean
  readonly asked: Asked
  readonly answer: PromiseWithResolvers<RunAnswer>
}

/** What was requested, and by whom. */
export interface Heard {
  readonly request: string
  readonly about: unknown
  readonly by: string
}

type Overrides = {
  readonly [K in keyof Operator]?: Operator[K] extends (...given: never) => unknown ? Operator[K] : Partial<Operator[K]>
}

function unexpected(): never {
  throw new Error('not part of this test')
}

export interface DaemonOptions {
  readonly limits?: Partial<Limits>
  readonly log?: Logger
  /** Where it listens; by default in a folder of its own. */
  readonly socket?: string
}

/** A daemon whose operator hears everything, and does nothing. */
export async function startDaemon(
  overrides: Overrides = {},
  { limits = {}, log = silentLog, socket: place }: DaemonOptions = {},
) {
  const folder = await temporaryFolder()
  const socket = place ?? join(folder.path, 'control.sock')
  const calls: Call[] = []
  const heard: Heard[] = []
  const pages: PageRequest[] = []
  const listed = (page: PageRequest) => (pages.push(page), { items: [] })
  const run = (job: string, wait: boolean, asked: Asked) => {
    const answer = Promise.withResolvers<RunAnswer>()
    calls.push({ job, wait, asked, answer })
    if (!wait) answer.resolve({ outcome: 'started', detail: `a run of ${job} was requested` })
    return answer.promise
  }
  const hear = async (request: string, about: unknown, { by }: Asked): Promise<RequestAnswer> => {
    heard.push({ request, about, by: by.name })
    return { said: request, changed: true }
  }
  const changes = createListeners<Change>()
  let following = 0
  const operator: Operator = {
    subscribe: (listener) => {
      following += 1
      const own = changes.subscribe(listener)
      return { [Symbol.dispose]: () => ((following -= 1), own[Symbol.dispose]()) }
    },
    status: overrides.status ?? unexpected,
    known: overrides.known ?? unexpected,
    alerts: overrides.alerts ?? (() => []),
    settledAlerts: overrides.settledAlerts ?? listed,
    journal: overrides.journal ?? listed,
    activities: overrides.activities ?? (() => []),
    names: overrides.names ?? (() => ({ nodes: [], hosts: [], upses: [], jobs: [], machines: [], releases: [] })),
    jobs: {
      list: () => [{ name: 'look', about: 'Looks.', triggers: [], runs: 'queue', lastRun: undefined }],
      runs: listed,
      run: ({ job, wait }, asked) => run(job, wait, asked),
      failed: async () => [],
      clearFailed: (asked) => hear('clear the queue', {}, asked),
      ...overrides.jobs,
    },
    rollouts: {
      status: unexpected,
      releases: async () => [],
      plan: unexpected,
      history: listed,
      pause: (about, asked) => hear('pause rollouts', about, asked),
      resume: (asked) => hear('resume rollouts', {}, asked),
      start: (asked) => hear('start', {}, asked),
      abort: (about, asked) => hear('abort', about, asked),
      approve: (about, asked) => hear('approve', about, asked),
      openWindow: (about, asked) => hear('open window', about, asked),
      ...overrides.rollouts,
    },
    nodes: {
      list: async () => [],
      find: unexpected,
      pause: (about, asked) => hear('pause', about, asked),
      resume: (about, asked) => hear('resume', about, asked),
      retry: (about, asked) => hear('retry', about, asked),
      rollback: (about, asked) => hear('rollback', about, asked),
      ...overrides.nodes,
    },
    power: {
      state: unexpected,
      plan: unexpected,
      fit: unexpected,
      upses: async () => [],
      ups: unexpected,
      readings: () => [],
      outages: listed,
      shutDown: (asked) => hear('shut down', {}, asked),
      cancel: (asked) => hear('cancel', {}, asked),
      wake: (about, asked) => hear('wake', about, asked),
      drill: async (about, asked) => {
        await hear('drill', about, asked)
        return { run: { outcome: 'done', detail: 'drilled' }, report: undefined }
      },
      ...overrides.power,
    },
    staging: {
      staged: async () => [],
      sections: async () => new Map(),
      verify: async () => ({ isWhole: true, files: [], served: [] }),
      accept: (request, asked) => hear('accept', request, asked),
      stage: ({ version, wait }, asked) => run(`stage ${version ?? 'the target'}`, wait, asked),
      rollBack: ({ image, wait }, asked) => run(`roll back ${image ?? 'the image'}`, wait, asked),
      ...overrides.staging,
    },
    notifications: {
      test: async ({ channel = 'all' }, asked) => {
        await hear('test', { channel }, asked)
        return [{ channel, sent: true, detail: 'sent', tookMs: 12 }]
      },
      log: listed,
      ...overrides.notifications,
    },
    doctor: {
      state: () => ({ last: undefined, underWay: undefined }),
      examine: async (about, asked) => {
        await hear('examine', about, asked)
        return { at: '2026-11-26T10:00:00.000Z', tookMs: 12, checks: [], fixed: [] }
      },
      ...overrides.doctor,
    },
    netboot: {
      status: () => [],
      find: unexpected,
      once: (about, { by }) => {
        heard.push({ request: 'netboot once', about, by: by.name })
        return { said: 'netboot once', changed: true }
      },
      check: async (about, asked) => {
        await hear('netboot check', about, asked)
        return { architecture: 'amd64', loads: 'tftp', mac: '02:63:61:72:65:01', offers: [], findings: [] }
      },
      recipe: async ({ router }) => ({ router, title: 'a router', where: 'there', lines: [], notes: [] }),
      ...overrides.netboot,
    },
    machines: {
      list: () => [],
      find: unexpected,
      orderFor: unexpected,
      console: unexpected,
      inventory: () => [],
      approve: (about, asked) => hear('approve machine', about, asked),
      reject: (about, asked) => hear('reject machine', about, asked),
      forget: (about, asked) => hear('forget machine', about, asked),
      ...overrides.machines,
    },
    machineConfigs: {
      render: unexpected,
      importSecrets: ({ replace }, asked) => hear('import secrets', { replace }, asked),
      ...overrides.machineConfigs,
    },
    tokens: {
      list: () => [],
      create: ({ name }, { by }) => {
        heard.push({ request: 'create token', about: { name }, by: by.name })
        return { said: 'create token', changed: true, token: 'caretaker_x' }
      },
      revoke: (about, { by }) => {
        heard.push({ request: 'revoke token', about, by: by.name })
        return { said: 'revoke token', changed: true }
      },
      ...overrides.tokens,
    },
  }
  const server = await serveControl(socket, operator, { log, limits: { ...socketLimits, ...limits } })
  return {
    socket,
    operator,
    /** Has the operator tell of a change. */
    tell: changes.tell,
    /** How many doors follow it. */
    get following() {
      return following
    },
    calls,
    heard,
    pages,
    raw: rawControl(socket),
    client: createClient({ socketPath: socket }, { by: 'admin@nas' }),
    stop: () => server[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
