import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findHaste } from './limits.ts'
import { findRegexes, findSlowText } from './regexes.ts'
import { findBreaches, findCycles } from './rules.ts'
import { measureSizes, withoutCases } from './sizes.ts'
import { parseSource, readSources } from './source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('imports point inwards, none runs in a circle, and core is pure', async () => {
  const files = await readSources(root, '{src,jobs}/**/*.{ts,js}')
  expect(files.length).toBeGreaterThan(200)
  expect(findBreaches(files)).toEqual([])
})

test('nothing is longer than it may be', async () => {
  const { over, long } = measureSizes(await readSources(root, '{src,jobs}/**/*.{ts,js}'))
  expect(over).toEqual([])
  expect(long.length).toBeLessThan(20)
})

test('no test is longer than it may be, and neither is what the lab and the fakes are made of', async () => {
  const { over, long } = measureSizes(withoutCases(await readSources(root, 'test/**/*.ts')))
  expect(over).toEqual([])
  expect(long.length).toBeLessThan(5)
})

test('no test fails because the machine is busy: what would come is waited for', async () => {
  const files = await readSources(root, 'test/**/*.ts')
  expect(findHaste(files.filter(({ path }) => !/^test\/(bench|mutants|structure)\//.test(path)))).toEqual([])
})

test('one place writes to the terminal', async () => {
  const files = await readSources(root, '{src,jobs}/**/*.{ts,js}')
  const writing = files.filter(({ text }) => /\bstd(out|err)\.write\b|\bconsole\.\w+\(/.test(text))
  expect(writing.map(({ path }) => path)).toEqual(['src/cli/output.ts'])
})

test('no regular expression takes the square of the length of what somebody sends', { timeout: 120_000 }, async () => {
  const regexes = findRegexes(await readSources(root, '{src,jobs}/**/*.{ts,js}'))
  expect(regexes.length).toBeGreaterThan(100)
  const slow = regexes.flatMap((regex) => {
    const text = findSlowText(regex)
    return text === undefined ? [] : [`${regex.at} /${regex.pattern}/ is slow for ${text}`]
  })
  expect(slow).toEqual([])
  for (const pattern of [String.raw`\0+$`, String.raw`\/+$`, String.raw`(: |\s*\\).*$`])
    expect(findSlowText({ pattern, flags: 's' }), pattern).toBeDefined()
})

describe('the rule sees what breaks it', () => {
  test.each([
    { code: `const at = Date.now()`, says: 'Date.now' },
    { code: `const at = new Date()`, says: 'new Date()' },
    { code: `const at = Date()`, says: 'Date()' },
    { code: `setTimeout(() => {}, 5)`, says: 'setTimeout' },
    { code: `const wait = setInterval`, says: 'setInterval' },
    { code: `queueMicrotask(() => {})`, says: 'queueMicrotask' },
    { code: `const at = performance.now()`, says: 'performance' },
    { code: `const abort = new AbortController()`, says: 'new AbortController' },
    { code: `const limit = AbortSignal.timeout(5)`, says: 'AbortSignal.timeout' },
    { code: `const { any } = AbortSignal; const limit = AbortSignal['any']([])`, says: 'AbortSignal.any' },
    { code: `const home = process.env['HOME']`, says: 'process' },
    { code: `const at = globalThis.Date.now()`, says: 'globalThis.Date' },
  ])('core that says $code', ({ code, says }) => {
    expect(findBreaches([parseSource('src/core/power/bad.ts', code)])).toContain(
      `src/core/power/bad.ts:1 uses ${says}: core is pure`,
    )
  })

  test.each([
    { code: `export const f = (now: Date, signal: AbortSignal) => new Date(now.getTime() + 5).getTime()` },
    { code: `export const text = 'Date.now() and setTimeout'` },
    { code: `export interface A { readonly process: string; setTimeout(): void }` },
    { code: `export const f = (a: { process: string }) => a.process` },
  ])('and not core that says $code', ({ code }) => {
    expect(findBreaches([parseSource('src/core/power/good.ts', code)])).toEqual([])
  })

  test.each([
    { path: 'src/core/power/a.ts', imports: '../upgrade/gates.ts' },
    { path: 'src/core/upgrade/a.ts', imports: '../power/state.ts' },
    { path: 'src/core/a.ts', imports: '../engine/until.ts' },
    { path: 'src/core/a.ts', imports: 'node:fs' },
    { path: 'src/core/power/a.ts', imports: './ports.ts' },
    { path: 'src/core/a.ts', imports: './ports.ts' },
    { path: 'src/operations/a.ts', imports: '../engine/until.ts' },
    { path: 'src/engine/a.ts', imports: '../operations/job.ts' },
    { path: 'src/adapters/nut/a.ts', imports: '../talos/talos.ts' },
    { path: 'src/adapters/nut/a.ts', imports: 'bullmq' },
    { path: 'src/adapters/nut/a.ts', imports: 'left-pad' },
    { path: 'src/services/queue/a.ts', imports: '../ups-watch/watch.ts' },
    { path: 'src/services/queue/a.ts', imports: '../../adapters/nut/ups.ts' },
    { path: 'src/http/a.ts', imports: '../agent.ts' },
    { path: 'jobs/a.ts', imports: '../src/engine/until.ts' },
    { path: 'src/agent.ts', imports: './adapters/nut/ups.ts' },
    { path: 'src/config/a.ts', imports: 'yaml' },
    { path: 'src/adapters/talos/a.ts', imports: 'yaml' },
    { path: 'src/main/a.ts', imports: 'yaml' },
  ])('$path that imports $imports', ({ path, imports }) => {
    expect(findBreaches([parseSource(path, `import type { X } from '${imports}'`)])).toHaveLength(1)
  })

  test.each([
    { path: 'src/core/operator.ts', imports: './ports.ts' },
    { path: 'src/services/queue/a.ts', imports: '../../operations/job.ts' },
    { path: 'src/main/wiring.ts', imports: '../adapters/nut/ups.ts' },
  ])('and not $path that imports $imports', ({ path, imports }) => {
    expect(findBreaches([parseSource(path, `import { x } from '${imports}'`)])).toEqual([])
  })

  test.each([
    { code: `const patience = { timeout: 20_000 }` },
    { code: `await vi.waitFor(() => expect(a).toBe(1))` },
    { code: `await vi.waitUntil(() => a, 20_000)` },
    { code: `await vi.waitFor(() => a, { timeout: 5_000, interval: 5 })` },
    { code: `await expect.poll(() => a, { timeout: 5_000 }).toBe(1)` },
    { code: `const soon = AbortSignal.timeout(5_000)` },
    { code: `test('a', { timeout: 120_000 }, () => {})` },
    { code: `test.each([1])('a', () => {}, 60_000)` },
    { code: `describe.concurrent('a', { timeout: 60_000 }, () => {})` },
  ])('a test that says $code', ({ code }) => {
    expect(findHaste([parseSource('test/a.test.ts', code)])).toHaveLength(1)
  })

  test.each([
    { code: `const patience = { timeout: 240_000, interval: 5 }` },
    { code: `await vi.waitFor(() => expect(a).toBe(1), patience)` },
    { code: `await expect.poll(() => a, { interval: 5 }).toBe(1)` },
    { code: `const [brief, long] = [AbortSignal.timeout(50), AbortSignal.timeout(240_000)]` },
    { code: `test.skipIf(no)('a', { timeout: 600_000 }, () => {})` },
  ])('and not a test that says $code', ({ code }) => {
    expect(findHaste([parseSource('test/a.test.ts', code)])).toEqual([])
  })

  test('a circle, of types too', () => {
    const files = [
      parseSource('src/core/a.ts', `import type { B } from './b.ts'`),
      parseSource('src/core/b.ts', `export type { C } from './c.ts'`),
      parseSource('src/core/c.ts', `export const late = () => import('./a.ts')`),
      parseSource('src/core/d.ts', `import type { B } from './b.ts'`),
    ]
    expect(findCycles(files).map((cycle) => cycle.toSorted())).toEqual([
      ['src/core/a.ts', 'src/core/b.ts', 'src/core/c.ts'],
    ])
  })

  test('a long function, a long file, and many parameters', () => {
    const lines = (count: number, line = '  work()') => `${line}\n`.repeat(count)
    const small = `  function part() {\n${lines(20)}  }\n`
    const { over, long } = measureSizes([
      parseSource('src/a.ts', `function tooLong() {\n${lines(80)}}\n`),
      parseSource('src/b.ts', `function justLong() {\n${lines(65)}}\n`),
      parseSource('src/c.ts', `function factory() {\n${small.repeat(5)}}\n`),
      parseSource('src/d.ts', `function tooMuch() {\n${small.repeat(6)}}\n`),
      parseSource('src/e.ts', `const many = (a, b, c, d, e) => a\n${lines(301, '//')}`),
    ])
    expect(over).toEqual([
      'src/a.ts:1 tooLong has 82 lines',
      'src/d.ts:1 tooMuch has 134 lines',
      'src/e.ts has 302 lines',
      'src/e.ts:1 many takes 5 parameters',
    ])
    expect(long).toEqual(['src/b.ts:1 justLong has 67 lines'])
  })

  test('a long function of the lab, and not a long list of cases', () => {
    const long = `function play() {\n${'  work()\n'.repeat(80)}}\n`
    const files = ['test/lab/a.ts', 'test/fakes/a.ts', 'test/lab/a.test.ts', 'test/stories/a.ts']
    expect(measureSizes(withoutCases(files.map((path) => parseSource(path, long)))).over).toEqual([
      'test/lab/a.ts:1 play has 82 lines',
      'test/fakes/a.ts:1 play has 82 lines',
    ])
  })
})
