import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseSource } from '../structure/source.ts'
import { argued } from './argued.ts'
import { apply, mutate } from './mutate.ts'
import { isNamedAfter, ownFolder, relatedTests } from './related.ts'

const changesOf = (text: string) => mutate('x.ts', text).map(({ change }) => change)

describe('a source is changed', () => {
  test.for<{ text: string; changes: string[] }>([
    { text: 'f(a < b)', changes: ['f(a < b) → nothing', 'a < b → true', 'a < b → false', 'a < b → a <= b'] },
    { text: 'const x = a - 1', changes: ['a - 1 → a + 1', '1 → 0'] },
    { text: 'const x = 5_000', changes: ['5_000 → 0', '5_000 → 10000'] },
    { text: 'const x = a?.b ?? c', changes: ['a?.b ?? c → c', 'a?.b ?? c → a?.b', 'a?.b → a.b'] },
    { text: 'const x = [a, ...b]', changes: ['a, → nothing', ', ...b → nothing'] },
    {
      text: 'const x = { ...a, b: undefined, c: 1 }',
      changes: ['...a, → nothing', 'b: undefined, → nothing', '1 → 0'],
    },
    { text: 'const x = a.filter(b).some(c)', changes: ['some → every', 'a.filter(b) → a'] },
    { text: 'const x = Math.min(a, b)', changes: ['min → max'] },
    { text: 'if (!a) throw b', changes: ['!a → true', '!a → false'] },
    { text: 'const x = a ? b : c', changes: ['a → true', 'a → false'] },
    {
      text: 'const x = () => a || { b: 2 }',
      changes: ['a || { b: 2 } → ({ b: 2 })', 'a || { b: 2 } → a', '2 → 0', '2 → 4'],
    },
    { text: "const x = go('now', 'a sentence')", changes: ["'now' → ''"] },
  ])('$text', ({ text, changes }) => {
    expect(changesOf(text).toSorted()).toEqual(changes.toSorted())
  })

  test('and not where only types, imports, keys and sentences are', () => {
    const text = [
      "import { a } from './a.ts'",
      "type T = 'x' | 1 | true",
      'const x: Record<string, 5> = b as never',
      "const y = `it is ${a} s`; const z = { 'a-b': y, w: 'two words' }",
    ].join('\n')
    expect(changesOf(text)).toEqual([])
  })

  test('at one place at a time, which can be read', () => {
    const text = 'const x = 1\nif (a && b) c()\n'
    const mutants = mutate('x.ts', text)
    expect(mutants.map(({ line }) => line)).toEqual(expect.arrayContaining([1, 2]))
    const texts = mutants.map((mutant) => apply(text, mutant))
    expect(new Set(texts).size).toBe(texts.length)
    expect(texts).toContain('const x = 0\nif (a && b) c()\n')
    expect(mutants.find(({ change }) => change === '1 → 0')).toMatchObject({ line: 1, column: 11, code: 'const x = 1' })
  })
})

test('tests belong to a source by their imports, the nearest first, and by their folder and name', () => {
  const source = (path: string, ...imports: string[]) =>
    parseSource(path, imports.map((one) => `import '${one}'`).join('\n'))
  const sources = [
    source('src/core/power/a.ts'),
    source('src/core/power/b.ts', './a.ts'),
    source('test/core/power/b.test.ts', '../../../src/core/power/b.ts'),
    source('test/core/power/a.test.ts', '../../../src/core/power/a.ts'),
    source('test/core/power/c.test.ts'),
  ]
  const related = relatedTests('src/core/power/a.ts', sources).map(({ path }) => path)
  expect(related).toEqual(['test/core/power/a.test.ts', 'test/core/power/b.test.ts'])
  expect(['src/core/power/a.ts', 'src/adapters/nut/a.ts', 'jobs/a.ts', 'src/operations/a.ts'].map(ownFolder)).toEqual([
    'test/core/',
    'test/adapters/nut',
    'test/stories/',
    'test/operations/',
  ])
  expect(isNamedAfter('test/core/a-edges.test.ts', 'src/core/a.ts')).toBe(true)
  expect(isNamedAfter('test/core/ab.test.ts', 'src/core/a.ts')).toBe(false)
})

test('what is loaded by its name belongs to the tests of what loads it', () => {
  const sources = [
    parseSource('jobs/a.ts', "import { b } from '../src/operations/b.ts'"),
    parseSource('src/operations/b.ts', 'export const b = 1'),
    parseSource('src/services/c/service.ts', ''),
    parseSource('src/services/c/work.ts', ''),
    parseSource('src/engine/catalogue.ts', ''),
    parseSource('test/stories/d.test.ts', "import '../../src/engine/catalogue.ts'"),
  ]
  const related = (path: string) => relatedTests(path, sources).map((one) => one.path)
  for (const path of ['jobs/a.ts', 'src/operations/b.ts', 'src/services/c/service.ts'])
    expect(related(path)).toEqual(['test/stories/d.test.ts'])
  expect(related('src/services/c/work.ts')).toEqual([])
})

test('every mutant that is argued is still there', () => {
  const root = new URL('../../', import.meta.url)
  const missing = argued.flatMap(({ path, code, change }) => {
    const text = readFileSync(fileURLToPath(new URL(path, root)), 'utf8')
    const there = mutate(path, text).filter((one) => one.code === code)
    const changes = typeof change === 'object' ? change : [change]
    const isThere = (wanted: string | undefined) => there.some((one) => wanted === undefined || one.change === wanted)
    return changes.filter((wanted) => !isThere(wanted)).map((wanted) => ({ path, code, change: wanted }))
  })
  expect(missing).toEqual([])
})
