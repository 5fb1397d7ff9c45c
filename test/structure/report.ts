// `npm run structure`: what the structure test keeps, as figures. Exits with 1 where anything is over its limit.
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { findBreaches, findCycles } from './rules.ts'
import { longFiles, measureSizes, withoutCases } from './sizes.ts'
import { readSources } from './source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = await readSources(root, '{src,jobs}/**/*.{ts,js}')
const tests = withoutCases(await readSources(root, 'test/**/*.ts'))
const cycles = findCycles(files)
const breaches = findBreaches(files)
const ofCore = breaches.filter((breach) => /core is pure|the ports/.test(breach))
const { over, long } = measureSizes([...files, ...tests])

console.log(`${files.length} files in src and jobs, ${files.reduce((sum, { lines }) => sum + lines, 0)} lines`)
print(
  'import cycles',
  cycles.map((cycle) => cycle.join(' → ')),
)
print('port types, clocks, timers, signals and packages in core', ofCore)
print(
  'other breaches of the import rule',
  breaches.filter((breach) => !ofCore.includes(breach) && !breach.startsWith('a circle')),
)
print('files, functions and parameter lists over their limits', over)
print('functions of 61 to 80 lines', long)
print(
  'files of more than 300 lines, with their reasons',
  Object.entries(longFiles).map(([path, reason]) => `${path}: ${reason}`),
)
process.exitCode = breaches.length + over.length > 0 ? 1 : 0

function print(what: string, found: readonly string[]): void {
  console.log(`${found.length} ${what}`)
  for (const one of found) console.log(`  ${one}`)
}
