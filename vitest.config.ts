import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'
import { patience } from './test/patience.ts'

/** What is pure keeps nothing that the next file could trip over, and is imported once. */
const pure = within('core')
/** Neither do stories on a fake homelab; these wait now and then. */
const fakes = within('stories', 'engine', 'operations', 'config', 'http')
/** Each of these ends what it starts, and waits most of its time. */
const parts = within('adapters', 'cli', 'contract', 'docs', 'e2e', 'install', 'lab', 'main', 'services')

export default defineConfig({
  test: {
    // Tests wait more than they compute: with a worker for each core the cores are idle for a third of the time, and with
    // two for each a homelab waits too long for its turn. A share of the cores, as `150%`, is never more than all of them.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    // Of a file whose cases may run at once, each with a homelab of its own: more would only make each of them slower.
    maxConcurrency: 3,
    // What tests leave behind is young: with more room a quarter of the time of random lives is not spent on collecting it.
    execArgv: ['--min-semi-space-size=16'],
    // Node reads the sources as it does for users, which takes a fraction of what it takes Vite; nothing here is mocked.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    reporters: ['default', './test/closing-line.ts'],
    // The names of cases are sentences, and are shown whole.
    taskTitleValueFormatTruncate: 300,
    // Only what never ends is to fail by time: a machine may be busy.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: patience.timeout } },
    projects: [
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      { extends: true, test: { name: 'fakes', include: fakes, isolate: false } },
      {
        extends: true,
        test: { name: 'parts', include: parts, isolate: false, globalSetup: './test/package-folder.ts' },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...fakes, ...parts],
          globalSetup: './test/package-folder.ts',
        },
      },
    ],
  },
})

function within(...folders: readonly string[]): string[] {
  return folders.map((folder) => `test/${folder}/**/*.test.ts`)
}
