import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { lastingPool } from './lasting-pool.ts'
import { createVitest, type TestCase, type TestModule } from 'vitest/node'

/** What the process is told: which tests to run, and with which text in place of which file. */
export interface RunOrder {
  readonly tests: readonly string[]
  readonly mutated?: { readonly path: string; readonly text: string }
}

export interface RunAnswer {
  readonly passed: boolean
  /** The run ended before each file had: that says nothing of what was changed. */
  readonly isCut?: true
  /** The file of the test that failed first, and its name. */
  readonly by?: { readonly file: string; readonly test: string }
  /** Why it failed. */
  readonly why?: string
  /** How long each file took, in ms; of a run in which all passed. */
  readonly durations?: Readonly<Record<string, number>>
}

// One vitest that stays, so that only what was changed is read and compiled again. Whoever started the process kills it
// with everything below it, where a mutant never ends.
const root = fileURLToPath(new URL('../..', import.meta.url))
let mutated: RunOrder['mutated']
let failure: RunAnswer | undefined
let durations: Record<string, number> = {}
const vitest = await createVitest(
  'test',
  {
    config: false,
    root,
    fsModuleCache: false,
    watch: false,
    include: ['test/**/*.test.ts'],
    maxWorkers: 1,
    ...(process.argv[2] === 'isolated'
      ? { isolate: true }
      : { isolate: false, pool: 'lasting', poolRunner: lastingPool() }),
    bail: 1,
    reporters: [{ onTestCaseResult: noteTest, onTestModuleEnd: noteModule }],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // The nearest tests first, as they are told.
    sequence: { sequencer: asTold() },
  },
  {
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        load: (id: string) => (mutated && id === join(root, mutated.path) ? mutated.text : undefined),
      },
    ],
  },
)
await vitest.standalone()

process.on('message', (order: RunOrder) => {
  run(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ passed: false, why: String(error) } satisfies RunAnswer),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

async function run(order: RunOrder): Promise<RunAnswer> {
  const changed = [mutated?.path, order.mutated?.path]
  mutated = order.mutated
  for (const path of changed) {
    if (path === undefined) continue
    vitest.invalidateFile(join(root, path))
    vitest.watcher.invalidates.add(join(root, path))
  }
  const project = vitest.getRootProject()
  const specifications = order.tests.map((test) => project.createSpecification(join(root, test)))
  // What vitest answers holds the results of earlier runs as well.
  failure = undefined
  durations = {}
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications)
  process.exitCode = 0
  if (failure) return failure
  const missing = order.tests.filter((test) => durations[test] === undefined)
  if (missing.length > 0) return { passed: false, isCut: true, why: `${missing.join(', ')} did not run` }
  if (unhandledErrors.length > 0) return { passed: false, why: String(unhandledErrors[0]) }
  return { passed: true, durations }
}

function noteTest(test: TestCase): void {
  if (test.result().state !== 'failed' || failure) return
  failure = failureOf(test.module, test.fullName, test.result().errors?.[0]?.message ?? '')
}

function noteModule(module: TestModule): void {
  durations[module.relativeModuleId] = module.diagnostic().duration
  if (module.state() !== 'failed' || failure) return
  failure = failureOf(module, 'the file itself', module.errors()[0]?.message ?? 'a hook failed')
}

function failureOf(module: TestModule, test: string, why: string): RunAnswer {
  return { passed: false, by: { file: module.relativeModuleId, test }, why }
}

function asTold() {
  return class {
    shard<T>(specifications: T): T {
      return specifications
    }
    sort<T>(specifications: T): T {
      return specifications
    }
  } as never
}
