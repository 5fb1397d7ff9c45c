import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // By default one core is left idle, which on two is half of them; tests wait more than they compute.
    maxWorkers: '100%',
    reporters: ['default', './test/closing-line.ts'],
    // The names of cases are sentences, and are shown whole.
    taskTitleValueFormatTruncate: 300,
    // Only what never ends is to fail by time: a machine may be busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    projects: [
      // What is pure keeps nothing that the next file could trip over, and is imported once.
      { extends: true, test: { name: 'pure', include: ['test/core/**/*.test.ts'], isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: ['test/core/**'],
          globalSetup: './test/package-folder.ts',
        },
      },
    ],
  },
})
