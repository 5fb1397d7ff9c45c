import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { debts } from './debts.ts'
import { findBreaches, findCycles } from './rules.ts'
import { measureSizes, withoutCases } from './sizes.ts'
import { parseSource, readSources } from './source.ts'

const without = (found: readonly string[], known: readonly string[]) =>
  found.filter((sentence) => !known.some((start) => sentence.replace(/:\d+ /, ' ').startsWith(start)))

const root = fileURLToPath(new URL('../..', import.meta.url))

test('imports point inwards, none runs in a circle, and core is pure', async () => {
  const files = await readSources(root, '{src,jobs}/**/*.ts')
  expect(files.length).toBeGreaterThan(200)
  expect(without(findBreaches(files), debts.breaches)).toEqual([])
})

test('nothing is longer than it may be', async () => {
  const { over, long } = measureSizes(await readSources(root, '{src,jobs}/**/*.ts'))
  expect(without(over, debts.sizes)).toEqual([])
  expect(long.length).toBeLessThan(20)
})

test('no test is longer than it may be, and neither is what the lab and the fakes are made of', async () => {
  const { over, long } = measureSizes(withoutCases(await readSources(root, 'test/**/*.ts')))
  expect(without(over, debts.tests)).toEqual([])
  expect(long.length).toBeLessThan(5)
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
