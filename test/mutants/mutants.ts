import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readSources, type SourceFile } from '../structure/source.ts'
import type { Argued } from './argued-plans.ts'
import { argued } from './argued.ts'
import { apply, type Mutant, mutate } from './mutate.ts'
import { isNamedAfter, ownFolder, relatedTests } from './related.ts'
import { createRunner, type Runner } from './runner.ts'
import { type FileState, keyOf, type Outcome, readState, saveState } from './state.ts'

// Changes the sources in small ways, one at a time, and tells which changes no test notices. See CONTRIBUTING.md.

const root = fileURLToPath(new URL('../..', import.meta.url))
const usage = `usage: npm run mutants -- [--quick] [--wide] [--list] [PATH…]

PATH     files or folders of src and jobs; without one, src/core/power and src/core/cluster
--quick  leaves out tests that take longer than 0.3 s, as the random ones do
--wide   what survives the tests of its own folder is tried with all others that import it, slow as they are
--list   runs nothing: shows what the last run found`

/** Tests that start whole processes, measure or build: none is about one line. */
const never = ['test/e2e/', 'test/bench/', 'test/lab/', 'test/structure/', 'test/mutants/', 'test/repository.test.ts']

/** A test file that takes so long, in ms, is a slow one. */
const slowFrom = 300

interface Totals {
  mutants: number
  noticed: number
  argued: number
  survivors: number
}

const { values, positionals } = readArguments()
const sources = await readSources(root, '{src,jobs,test}/**/*.ts')
const byPath = new Map(sources.map((source) => [source.path, source]))
const wanted = positionals.length > 0 ? positionals : ['src/core/power', 'src/core/cluster']
const files = sources.filter(({ path }) => !path.startsWith('test/') && wanted.some((one) => isBelow(path, one)))
if (files.length === 0) {
  console.error(`no source file is at ${wanted.join(', ')}\n\n${usage}`)
  process.exit(2)
}
const totals: Totals = { mutants: 0, noticed: 0, argued: 0, survivors: 0 }
{
  await using pure = createRunner('shared')
  await using whole = createRunner('isolated')
  for (const file of files) await examine(file, pure, whole)
}
console.log(`\nall: ${describe(totals)}`)
process.exitCode = totals.survivors > 0 ? 1 : 0

function readArguments() {
  const flag = { type: 'boolean', default: false } as const
  const leave = (code: number, text: string): never => {
    console[code === 0 ? 'log' : 'error'](text)
    process.exit(code)
  }
  try {
    const read = parseArgs({ allowPositionals: true, options: { wide: flag, quick: flag, list: flag, help: flag } })
    return read.values.help ? leave(0, usage) : read
  } catch (error) {
    return leave(2, `${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
}

function isBelow(path: string, wanted: string): boolean {
  const folder = wanted.replace(/^\.\//, '').replace(/\/$/, '')
  return path === folder || path.startsWith(`${folder}/`)
}

async function examine(file: SourceFile, pure: Runner, whole: Runner): Promise<void> {
  const mutants = mutate(file.path, file.text)
  const state = readState(root, file.path, hash(file.text))
  const related = relatedTests(file.path, sources)
    .map(({ path }) => path)
    .filter((path) => !never.some((folder) => path.startsWith(folder)))
  // Every story loads every job: those of a job are the ones that are named after it, or name it.
  const isAbout = (path: string) =>
    !file.path.startsWith('jobs/') ||
    isNamedAfter(path, file.path) ||
    byPath.get(path)?.text.includes(`'${posix.basename(file.path, '.ts')}'`)
  const near = related.filter((path) => path.startsWith(ownFolder(file.path)) && isAbout(path))
  const far = related.filter((path) => !near.includes(path))
  const tests = await signature(near)
  const others = await signature(related)
  const due = (mutant: Mutant) => {
    const outcome = state.outcomes[keyOf(mutant)]
    return (
      outcome === undefined ||
      (outcome === 'survived' && ![tests, ...(values.quick ? [`quick ${tests}`] : [])].includes(state.tests))
    )
  }
  const dueWidely = (mutant: Mutant) => state.outcomes[keyOf(mutant)] === 'survived' && state.wider !== others
  if (!values.list) {
    await round(file.path.startsWith('src/core/') ? pure : whole, file, state, mutants.filter(due), near)
    state.tests = values.quick ? `quick ${tests}` : tests
    if (values.wide) {
      const left = mutants.filter((mutant) => dueWidely(mutant) && !arguedOf(file.path, mutant))
      await round(whole, file, state, left, far)
      state.wider = others
    }
    saveState(root, file.path, state)
  }
  report(file, mutants, state)
}

/** Runs these tests once for each mutant, up to the first that fails. */
async function round(
  runner: Runner,
  { path, text }: SourceFile,
  state: FileState,
  mutants: readonly Mutant[],
  related: readonly string[],
): Promise<void> {
  if (mutants.length === 0) return
  if (related.length === 0) {
    console.log(`${path}: no test of its folder imports it`)
    for (const mutant of mutants) state.outcomes[keyOf(mutant)] ??= 'survived'
    return
  }
  const clean = await timed(() => runner.run({ tests: related }, 30 * 60_000))
  if (!clean.answer?.passed)
    throw new Error(`the tests of ${path} fail without any change: ${JSON.stringify(clean.answer)}`)
  const within = 5 * clean.ms + 5_000
  const groups = grouped(related, path, clean.answer.durations ?? {})
  for (const [index, mutant] of mutants.entries()) {
    progress(`${path}: ${index} of ${mutants.length}`)
    state.outcomes[keyOf(mutant)] = await tryOut(runner, groups, { path, text: apply(text, mutant) }, within)
    if (index % 20 === 19) saveState(root, path, state)
  }
  progress('')
}

async function tryOut(
  runner: Runner,
  groups: readonly (readonly string[])[],
  mutated: { readonly path: string; readonly text: string },
  within: number,
): Promise<Outcome> {
  for (const tests of groups) {
    const answer = await runner.run({ tests, mutated }, within)
    if (!answer?.passed) return outcomeOf(answer)
  }
  return 'survived'
}

/** The source's own tests first, then the quick ones together, then the slow ones: most mutants need only the first. */
function grouped(
  tests: readonly string[],
  path: string,
  durations: Readonly<Record<string, number>>,
): readonly (readonly string[])[] {
  const isSlow = (test: string) => (durations[test] ?? 0) > slowFrom
  const own = tests.filter((test) => isNamedAfter(test, path)).toSorted((a, b) => Number(isSlow(a)) - Number(isSlow(b)))
  const others = tests.filter((test) => !own.includes(test))
  const quick = others.filter((test) => !isSlow(test))
  const slow = values.quick ? [] : others.filter(isSlow)
  return [own, quick, ...slow.map((test) => [test])].filter((group) => group.length > 0)
}

function outcomeOf(answer: Awaited<ReturnType<Runner['run']>>): Outcome {
  if (answer === undefined) return 'endless'
  return answer.passed ? 'survived' : 'killed'
}

function report({ path }: SourceFile, mutants: readonly Mutant[], state: FileState): void {
  const of = (outcome: Outcome) => mutants.filter((mutant) => state.outcomes[keyOf(mutant)] === outcome)
  const survivors = of('survived').filter((mutant) => !arguedOf(path, mutant))
  const counts: Totals = {
    mutants: mutants.length,
    noticed: of('killed').length + of('endless').length,
    argued: of('survived').length - survivors.length,
    survivors: survivors.length,
  }
  const untried = mutants.length - counts.noticed - counts.argued - counts.survivors
  console.log(`${path}: ${describe(counts)}${untried > 0 ? `, ${untried} not tried` : ''}`)
  for (const { line, column, change } of survivors) console.log(`  ${path}:${line}:${column}  ${change}`)
  for (const one of argued.filter((one) => one.path === path)) {
    const gone = changesOf(one.change).filter(
      (change) => !mutants.some((mutant) => fits({ code: one.code, change }, mutant)),
    )
    for (const change of gone) console.log(`  argued, and no longer there: ${one.code} (${change ?? 'any change'})`)
  }
  for (const key of Object.keys(totals) as (keyof Totals)[]) totals[key] += counts[key]
}

function describe({ mutants, noticed, argued, survivors }: Totals): string {
  const score = mutants === argued ? 100 : Math.floor((1_000 * noticed) / (mutants - argued)) / 10
  return `${score} % (${noticed} of ${mutants} noticed, ${argued} argued, ${survivors} survive)`
}

function arguedOf(path: string, mutant: Mutant): Argued | undefined {
  return argued.find((one) => one.path === path && fits(one, mutant))
}

/** The changes of a line that are argued; undefined stands for any. */
function changesOf(change: Argued['change'] | undefined): readonly (string | undefined)[] {
  return typeof change === 'object' ? change : [change]
}

function fits(
  { code, change }: { readonly code: string; readonly change?: Argued['change'] | undefined },
  mutant: Mutant,
): boolean {
  return code === mutant.code && changesOf(change).some((one) => one === undefined || one === mutant.change)
}

/** Stands for these tests and for what they import of the tests: another one may notice what survived. */
async function signature(tests: readonly string[]): Promise<string> {
  const seen = new Set(tests)
  for (const path of seen) {
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target?.startsWith('test/')) seen.add(target)
    }
  }
  const texts = [...seen].toSorted().map((path) => byPath.get(path)?.text ?? readFileSync(join(root, path), 'utf8'))
  return hash(texts.join('\0'))
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly ms: number }> {
  const before = performance.now()
  const answer = await work()
  return { answer, ms: performance.now() - before }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
