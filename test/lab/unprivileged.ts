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
