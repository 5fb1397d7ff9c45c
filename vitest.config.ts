import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/closing-line.ts'],
    // The names of cases are sentences, and are shown whole.
    taskTitleValueFormatTruncate: 300,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
