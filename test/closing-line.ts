import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line for people and scripts: `N passed, N failed`. A file that can't be loaded is a failure. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const broken = modules.filter((module) => module.errors().length > 0).length
    const count = (wanted: string) => states.filter((state) => state === wanted).length
    const skipped = count('skipped')
    // After the summary of the reporter before us.
    process.on('exit', () => {
      console.log(
        `\n${count('passed')} passed, ${count('failed') + broken + errors.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
      )
    })
  }
}
