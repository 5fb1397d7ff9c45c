import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The user `nobody` of every Linux. */
const nobody = 65_534

/** Runs an action as a user without rights, when we are root; the tests of a file run one after another meanwhile. */
export async function unprivileged<T>(action: () => T | Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid!(nobody)
  try {
    return await action()
  } finally {
    process.seteuid!(0)
  }
}

const launcher = fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url))

/** Whether another user can start what is to be tested: a checkout may lie in a closed folder. */
export function isReadableByOthers(): Promise<boolean> {
  return unprivileged(() => access(launcher)).then(
    () => true,
    () => false,
  )
}
