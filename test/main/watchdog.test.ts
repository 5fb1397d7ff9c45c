import { expect, test } from 'vitest'
import type { ServiceStatus } from '../../src/core/service.ts'
import { tellOfLife } from '../../src/main/watchdog.ts'

const running: ServiceStatus = {
  name: 'ups-watch',
  state: 'running',
  since: '2026-11-01T00:00:00.000Z',
  text: undefined,
}

const usual = { restartsAfter: 100 as number | undefined, pollInterval: 1_000 }

/** A daemon whose supervisor looks every so often, and what that was told. */
function daemon({ restartsAfter, pollInterval }: Partial<typeof usual> = usual) {
  const told: string[] = []
  const errors: object[] = []
  const world = { unread: [] as string[], state: running.state, asked: 0 }
  const watchdog = tellOfLife({
    supervisor: { restartsAfter, tell: (...states) => void told.push(...states) },
    guard: {
      unnoticedFor: (ms) => {
        world.asked = ms
        return world.unread
      },
    },
    services: () => [
      { ...running, name: 'queue' },
      { ...running, state: world.state },
    ],
    pollInterval: () => pollInterval ?? usual.pollInterval,
    log: { error: (fields) => void errors.push(fields) },
  })
  return { told, errors, world, watchdog, signs: () => told.filter((line) => line === 'WATCHDOG=1').length }
}

const turns = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 20))

test('while its loop turns a daemon says that it lives, several times before systemd would act', async () => {
  const { watchdog, signs } = daemon()
  using _ = watchdog
  await expect.poll(signs).toBeGreaterThan(4)
})

test('a loop that hangs says nothing', async () => {
  const { watchdog, signs } = daemon()
  using _ = watchdog
  await expect.poll(signs).toBeGreaterThan(0)
  const before = signs()
  for (const end = performance.now() + 150; performance.now() < end;);
  expect(signs()).toBe(before)
  await expect.poll(signs).toBeGreaterThan(before)
})

test('a daemon that has lost a UPS says nothing until it is read again, and why once', async () => {
  const { watchdog, world, signs, errors } = daemon()
  using _ = watchdog
  world.unread = ['rack']
  await turns(1)
  const before = signs()
  await turns(5)
  expect(signs()).toBe(before)
  expect(errors).toEqual([{ reason: 'nobody has read rack for 60 s' }])
  world.unread = []
  await expect.poll(signs).toBeGreaterThan(before)
})

test.each(['starting', 'down', 'stopped'] as const)(
  'a guard that is %s is started by the daemon itself',
  async (state) => {
    const { watchdog, world, signs } = daemon()
    using _ = watchdog
    Object.assign(world, { unread: ['rack'], state })
    await expect.poll(signs).toBeGreaterThan(2)
  },
)

test.each([
  { pollInterval: 1_000, unreadAfter: 60_000 },
  { pollInterval: 60_000, unreadAfter: 360_000 },
])('a UPS that is read every $pollInterval ms is lost after $unreadAfter ms', async ({ pollInterval, unreadAfter }) => {
  const { watchdog, world } = daemon({ ...usual, pollInterval })
  using _ = watchdog
  await expect.poll(() => world.asked).toBe(unreadAfter)
})

test('it is ready when it is, says so again, and takes its leave', async () => {
  const { watchdog, told } = daemon()
  await turns(2)
  expect(told).not.toContain('READY=1')
  watchdog.ready()
  expect(told.slice(-3)).toEqual(['READY=1', 'STATUS=guards the power', 'WATCHDOG=1'])
  await expect.poll(() => told.filter((line) => line === 'READY=1').length).toBeGreaterThan(2)
  watchdog[Symbol.dispose]()
  expect(told.slice(-2)).toEqual(['STOPPING=1', 'STATUS=is stopping'])
  const length = told.length
  await turns(3)
  expect(told).toHaveLength(length)
})

test('without a watchdog it says only when it is ready and when it stops', async () => {
  const { watchdog, told } = daemon({ ...usual, restartsAfter: undefined })
  watchdog.ready()
  await turns(2)
  watchdog[Symbol.dispose]()
  expect(told).toEqual(['READY=1', 'STATUS=guards the power', 'WATCHDOG=1', 'STOPPING=1', 'STATUS=is stopping'])
})
