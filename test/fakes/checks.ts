import type { Checks } from '../../src/core/cluster/ports.ts'

/** The user's checks: `failing` holds why each fails, by name; all others pass. */
export function fakeChecks(failing: ReadonlyMap<string, string>): Checks {
  return { run: async ({ name }) => failing.get(name) }
}
