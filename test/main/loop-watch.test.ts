import { expect, test } from 'vitest'
import type { AlertContent } from '../../src/core/alert.ts'
import { createMeter } from '../../src/core/metrics/meter.ts'
import { type LoopWatchOptions, watchLoop } from '../../src/main/loop-watch.ts'

/** Keeps this process busy, as parsing something far too large does. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** A limit that is longer than what a busy machine does to us by itself. */
const soon = { limit: 1_500, lookEvery: 20, calmAfter: 200, startsFor: 0 }

function watching(stack: DisposableStack, running: () => readonly string[], own: Partial<LoopWatchOptions> = soon) {
  const open = new Map<string, AlertContent>()
  const alerts = {
    open: (id: string, content: AlertContent) => (open.set(id, content), true),
    settle: (id: string) => open.delete(id),
  }
  const log = { warn: () => {} }
  stack.use(watchLoop({ alerts, log, running, ...own }))
  return open
}

test('a standstill that would blind the power guard is an alert that names what ran, and settles after a calm while', async () => {
  using stack = new DisposableStack()
  const jobs = new Set(['stage-image'])
  const open = watching(stack, () => [...jobs])
  await expect.poll(() => open.size).toBe(0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  block(2_500)
  // It has ended before anybody could look.
  jobs.clear()
  await expect
    .poll(() => open.get('daemon.standstill')?.text)
    .toMatch(/^Caretaker stood still for [23] s and could not watch the power: stage-image ran$/)
  await expect.poll(() => open.size).toBe(0)
})

test('by how much it is late is measured at each look', async () => {
  using stack = new DisposableStack()
  const meter = createMeter()
  watching(stack, () => [], { ...soon, meter })
  const value = (which: string) =>
    meter.read().find(({ family, series }) => family === 'caretaker_event_loop_lag_seconds' && series === which)!.value
  await expect.poll(() => value('_count')).toBeGreaterThan(1)
  const before = value('_sum')
  block(300)
  await expect.poll(() => value('_sum') - before).toBeGreaterThan(0.2)
})

/** As it comes, once it has started. */
const usual = { startsFor: 0 }

test.each([150, 450, 700, 950])(
  'a standstill of little more than a second is found by a look a second, %d ms after the last one',
  async (after) => {
    using stack = new DisposableStack()
    const open = watching(stack, () => [], usual)
    await new Promise((resolve) => setTimeout(resolve, after))
    block(1_100)
    await expect.poll(() => open.get('daemon.standstill')?.text).toMatch(/^Caretaker stood still for \d+ s/)
  },
)

test('is known from a second on, and a warning once it could delay a shutdown; a shorter one after that changes nothing', async () => {
  using stack = new DisposableStack()
  const open = watching(stack, () => [], { ...soon, limit: 500, warnFrom: 2_500, calmAfter: 60_000 })
  const shown = () => open.get('daemon.standstill')
  await new Promise((resolve) => setTimeout(resolve, 100))
  block(700)
  await expect.poll(shown).toMatchObject({ severity: 'info' })
  block(3_000)
  await expect.poll(() => shown()?.severity).toBe('warning')
  const before = shown()
  block(700)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(shown()).toEqual(before)
})

test('it looks once a second', async () => {
  using stack = new DisposableStack()
  let asked = 0
  watching(stack, () => (asked++, []), usual)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  // Twice a look.
  expect(asked).toBeLessThanOrEqual(4)
})

test('a short standstill is none', async () => {
  using stack = new DisposableStack()
  const open = watching(stack, () => [])
  block(100)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(open.size).toBe(0)
})

test('one of a second is expected while the daemon starts, in the log alone; a long one is not', async () => {
  using stack = new DisposableStack()
  const logged: unknown[] = []
  const log = { warn: (fields: unknown) => void logged.push(fields) }
  const open = watching(stack, () => [], {
    ...soon,
    limit: 500,
    warnFrom: 2_500,
    startsFor: 600_000,
    log,
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  block(700)
  await expect.poll(() => logged.length).toBeGreaterThan(0)
  expect([...open.values()].filter(({ severity }) => severity === 'info')).toEqual([])
  block(3_000)
  await expect.poll(() => open.get('daemon.standstill')?.severity).toBe('warning')
})
