import { posix } from 'node:path'
import type { SourceFile } from '../structure/source.ts'

/** A test file, and how many imports lie between it and a source. */
export interface RelatedTest {
  readonly path: string
  readonly distance: number
}

/** Folders whose files are loaded by their names: no text imports them, and the one that loads them does. */
const registries = [
  { loads: /^jobs\/[^/]+\.ts$/, by: 'src/engine/catalogue.ts' },
  { loads: /^src\/services\/[^/]+\/service\.ts$/, by: 'src/engine/catalogue.ts' },
]

/** The tests that import a source, by way of whatever, the nearest first. */
export function relatedTests(path: string, sources: readonly SourceFile[]): readonly RelatedTest[] {
  const importers = new Map<string, string[]>()
  for (const { path, imports } of sources) {
    for (const { target } of imports) {
      if (target !== undefined) importers.set(target, [...(importers.get(target) ?? []), path])
    }
  }
  for (const { loads, by } of registries) {
    for (const { path: loaded } of sources.filter((one) => loads.test(one.path))) {
      importers.set(loaded, [...(importers.get(loaded) ?? []), by])
    }
  }
  const distances = new Map([[path, 0]])
  const queue = [path]
  for (const one of queue) {
    for (const importer of importers.get(one) ?? []) {
      if (distances.has(importer)) continue
      distances.set(importer, distances.get(one)! + 1)
      queue.push(importer)
    }
  }
  return [...distances]
    .filter(([test]) => test.endsWith('.test.ts'))
    .map(([test, distance]) => ({ path: test, distance }))
    .toSorted((a, b) => a.distance - b.distance || (a.path < b.path ? -1 : 1))
}

/** The test folder that mirrors a source: `src/core/power/ups.ts` → `test/core/`, `src/adapters/nut/x.ts` → `test/adapters/nut/`. */
export function ownFolder(path: string): string {
  const [top, area = '', technology = ''] = path.split('/')
  if (top === 'jobs') return 'test/stories/'
  return area === 'adapters' || area === 'services' ? `test/${area}/${technology}` : `test/${area}/`
}

/** `feeds.ts` has its tests in `feeds.test.ts` and `feeds-runtime.test.ts`. */
export function isNamedAfter(test: string, path: string): boolean {
  const own = posix.basename(path, '.ts')
  return [`${own}.`, `${own}-`].some((start) => posix.basename(test).startsWith(start))
}
