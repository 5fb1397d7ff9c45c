import { expect, onTestFinished, test } from 'vitest'
import type { AlertContent } from '../../src/core/alert.ts'
import type { RunningService, ServiceSpec } from '../../src/core/service.ts'
import { createSupervisor, type SupervisorLimits, usualLimits } from '../../src/engine/supervisor.ts'

/** A service of the test's: what it does at its start is the test's to say. */
interface TestService extends ServiceSpec {
  start(count: number, signal: AbortSignal): Promise<Partial<RunningService>>
}

const never = new Promise<never>(() => {})

function supervise(
  services: readonly TestService[],
  limits: Partial<SupervisorLimits> = {},
  runsEnd: Promise<void> = Promise.resolve(),
) {
  const diary: string[] = []
  const open = new Map<string, AlertContent>()
  const opened: AlertContent[] = []
  const lines: string[] = []
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (fields: object, message: string) =>
      void lines.push(`${(fields as { service?: string }).service}: ${message}`),
    child: () => log,
  }
  const counts = new Map<string, number>()
  const supervisor = createSupervisor<TestService>({
    services,
    start: async (service, signal) => {
      const count = (counts.get(service.name) ?? 0) + 1
      counts.set(service.name, count)
      diary.push(`${service.name} starts`)
      const running = await service.start(count, signal)
      return {
        [Symbol.asyncDispose]: async () => void diary.push(`${service.name} ends`),
        ...running,
      }
    },
    alerts: {
      open: (id, content) => {
        const isNew = open.get(id)?.text !== content.text
        open.set(id, content)
        opened.push(content)
        return isNew
      },
      settle: (id) => open.delete(id),
    },
    log,
    now: () => new Date(0),
    limits: { firstWait: 1, longestWait: 4, steady: 20, ...limits },
    stopBeside: async () => {
      await runsEnd
      diary.push('what runs ends')
    },
    stillRunning: () => ['shut-down-cluster'],
  })
  onTestFinished(supervisor.stop)
  const stateOf = (name: string) => supervisor.status.find((one) => one.name === name)
  return { supervisor, diary, open, opened, lines, stateOf, startsOf: (name: string) => counts.get(name) ?? 0 }
}

const well = (name: string, more: Partial<TestService> = {}): TestService => ({
  name,
  start: async () => ({}),
  ...more,
})

test('what guards the power starts first and ends last, and what carries work out the other way round', async () => {
  const it = supervise([
    well('queue', { starts: 'last' }),
    well('nodes'),
    well('power', { starts: 'first' }),
    well('schematics'),
  ])
  await it.supervisor.start()
  expect(it.diary).toEqual(['power starts', 'nodes starts', 'schematics starts', 'queue starts'])
  it.diary.length = 0
  await it.supervisor.stop()
  expect(it.diary.slice(0, 2).toSorted()).toEqual(['queue ends', 'what runs ends'])
  expect(it.diary.slice(2)).toEqual(['nodes ends', 'schematics ends', 'power ends'])
  expect(it.supervisor.status.every(({ state }) => state === 'stopped')).toBe(true)
})

test('a service that does not start is an alert, is tried again, and costs no other service anything', async () => {
  const mend = Promise.withResolvers<void>()
  const it = supervise([
    well('broken', {
      start: async (count) => {
        if (count < 4) throw new Error('the port is taken')
        await mend.promise
        return {}
      },
    }),
    well('other'),
  ])
  await it.supervisor.start()
  expect(it.stateOf('other')).toMatchObject({ state: 'running' })
  await expect.poll(() => it.startsOf('broken')).toBe(4)
  expect(it.open.get('service.down:broken')).toMatchObject({
    severity: 'warning',
    text: 'the service broken is down: the port is taken',
  })
  expect(it.stateOf('broken')).toMatchObject({ state: 'down', text: 'the port is taken' })
  // However often it is tried.
  expect(it.lines).toEqual(['broken: a service is down; restarting it'])
  mend.resolve()
  await expect.poll(() => it.stateOf('broken')?.state).toBe('running')
  await expect.poll(() => it.open.size).toBe(0)
  expect(it.startsOf('other')).toBe(1)
})

test('a service that dies later is started again, and the power guard that is down is critical', async () => {
  const deaths = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const it = supervise([
    well('power', {
      starts: 'first',
      start: async (count) => ({ ended: count <= 2 ? deaths[count - 1]!.promise : never }),
    }),
  ])
  await it.supervisor.start()
  deaths[0]!.reject(new Error('a bug'))
  await expect.poll(() => it.startsOf('power')).toBe(2)
  deaths[1]!.resolve()
  await expect.poll(() => it.startsOf('power')).toBe(3)
  expect(it.opened).toEqual([
    { severity: 'critical', subject: 'power', text: 'the service power is down: a bug' },
    { severity: 'critical', subject: 'power', text: 'the service power is down: it ended by itself' },
  ])
  // Its remains are cleared away each time.
  expect(it.diary.filter((line) => line === 'power ends')).toHaveLength(2)
  await expect.poll(() => it.open.size).toBe(0)
})

test('between two starts of a service that fails again and again the wait doubles, up to a limit', async () => {
  const starts: number[] = []
  const it = supervise(
    [
      well('broken', {
        start: async () => {
          starts.push(performance.now())
          throw new Error('no')
        },
      }),
    ],
    { firstWait: 20, longestWait: 80 },
  )
  await it.supervisor.start()
  await expect.poll(() => starts.length).toBe(5)
  const waits = starts.slice(1).map((at, index) => at - starts[index]!)
  for (const [index, least] of [20, 40, 80, 80].entries()) expect(waits[index]).toBeGreaterThanOrEqual(least - 2)
})

test('a service that hangs in its start does not keep the next turn waiting', async () => {
  const it = supervise([well('hangs', { start: () => never }), well('queue', { starts: 'last' })], { turn: 20 })
  await it.supervisor.start()
  expect(it.stateOf('queue')).toMatchObject({ state: 'running' })
  expect(it.stateOf('hangs')).toMatchObject({ state: 'starting' })
})

test('a service that does not start in time is an alert, and is ended should it start after all', async () => {
  const late = Promise.withResolvers<void>()
  const slow = async (count: number) => {
    await (count === 1 ? late.promise : never)
    return {}
  }
  const it = supervise([well('hangs', { start: slow })], { start: 20 })
  await it.supervisor.start()
  await expect.poll(() => it.open.get('service.down:hangs')?.text).toContain('it has not started within')
  late.resolve()
  await expect.poll(() => it.diary).toContain('hangs ends')
})

test('a service that hangs in its end is left behind, with a line in the log', async () => {
  const it = supervise(
    [well('hangs', { start: async () => ({ [Symbol.asyncDispose]: () => never }) }), well('other')],
    {
      stop: 30,
    },
  )
  await it.supervisor.start()
  await it.supervisor.stop()
  expect(it.lines).toEqual(['hangs: a service did not stop in time; leaving it behind'])
  expect(it.diary).toContain('other ends')
})

test('all turns together end within 8 s, whatever hangs', async () => {
  const stuck = async () => ({ [Symbol.asyncDispose]: () => never })
  const services = [
    well('power', { starts: 'first', start: stuck }),
    well('nodes', { start: stuck }),
    well('queue', { starts: 'last', start: stuck }),
  ]
  const it = supervise(services, { stop: 40 }, never)
  await it.supervisor.start()
  await it.supervisor.stop()
  expect(it.lines).toHaveLength(4)
  // What the services stand on ends after them.
  expect(usualLimits.stopAll).toBeLessThan(6_000)
})

test('turns share one limit: what the first ones use up, the last one does not have', async () => {
  const stuck = async () => ({ [Symbol.asyncDispose]: () => never })
  const services = [
    well('power', { starts: 'first', start: stuck }),
    well('nodes', { start: stuck }),
    well('queue', { starts: 'last', start: stuck }),
  ]
  const it = supervise(services, { stop: 10_000, stopAll: 300 })
  await it.supervisor.start()
  const began = performance.now()
  await it.supervisor.stop()
  expect(it.lines).toHaveLength(3)
  // Three times `stop`, if each had its own.
  expect(performance.now() - began).toBeLessThan(20_000)
})

test('a run that does not end when it is told to is named, and left behind', async () => {
  const it = supervise([well('power')], { stop: 20 }, never)
  await it.supervisor.start()
  await it.supervisor.stop()
  expect(it.lines).toEqual(['undefined: still running, and left behind: shut-down-cluster'])
})

test('stopping ends a start that is under way, and the wait before the next one', async () => {
  let aborted = false
  const it = supervise(
    [
      well('starting', {
        start: (_, signal) => {
          signal.addEventListener('abort', () => (aborted = true))
          return never
        },
      }),
      well('waiting', {
        start: async () => {
          throw new Error('no')
        },
      }),
    ],
    { firstWait: 60_000, longestWait: 60_000 },
  )
  void it.supervisor.start()
  await expect.poll(() => it.stateOf('waiting')?.state).toBe('down')
  await it.supervisor.stop()
  expect(aborted).toBe(true)
  expect(it.startsOf('waiting')).toBe(1)
})

test('a service whose configuration has changed is ended and started again, at once and without an alert', async () => {
  const it = supervise([well('queue')], { firstWait: 60_000, longestWait: 60_000 })
  await it.supervisor.start()
  it.supervisor.restart('queue')
  await expect.poll(() => it.diary).toEqual(['queue starts', 'queue ends', 'queue starts'])
  expect(it.open.size).toBe(0)
})

test('a service that waits for its next start is started at once when its configuration has changed', async () => {
  const it = supervise(
    [
      well('queue', {
        start: async (count) => {
          if (count === 1) throw new Error('no such host')
          return {}
        },
      }),
    ],
    { firstWait: 60_000, longestWait: 60_000 },
  )
  await it.supervisor.start()
  it.supervisor.restart('queue')
  await expect.poll(() => it.stateOf('queue')?.state).toBe('running')
})

test('a status line that fails is shown as what it says, and keeps no other from being shown', async () => {
  const it = supervise([
    well('odd', {
      start: async () => ({
        status: () => {
          throw new Error('not counted yet')
        },
      }),
    }),
    well('even', { start: async () => ({ status: () => 'all is well' }) }),
  ])
  await it.supervisor.start()
  expect(it.supervisor.status.map(({ name, text }) => [name, text])).toEqual([
    ['odd', 'not counted yet'],
    ['even', 'all is well'],
  ])
})
