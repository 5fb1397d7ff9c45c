import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { AgentError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'

/**
 * A daemon that root starts by hand in the state of another user leaves files there that the next one, of that user, can't read: its queue
 * would be dead. A person is told so, and on a first start; one that has run before goes on, because the power is to be guarded.
 *
 * @throws AgentError `misconfigured`
 */
export async function refuseForeignState(
  { state, hasRun }: { readonly state: string; readonly hasRun: boolean },
  log: Logger,
  { uid = process.geteuid?.(), isPerson = process.stdin.isTTY }: { uid?: number | undefined; isPerson?: boolean } = {},
): Promise<void> {
  const why = uid === 0 ? await whyNotAsRoot(state) : undefined
  if (why === undefined) return
  if (isPerson || !hasRun) throw new AgentError('misconfigured', why)
  log.warn({ state }, why)
}

async function whyNotAsRoot(state: string): Promise<string | undefined> {
  const [journal, folder] = await Promise.all([
    stat(join(state, 'journal.db')).catch(() => undefined),
    stat(state).catch(() => undefined),
  ])
  // A folder that others may enter, as a share of a NAS, says nothing of who runs the daemon.
  const owner = journal?.uid ?? (folder && (folder.mode & 0o077) === 0 ? folder.uid : 0)
  if (owner === 0) return undefined
  const advice = `\`systemctl start caretaker\`, or \`setpriv --reuid ${owner} --regid ${folder?.gid} --clear-groups caretaker start\``
  return `the state directory ${resolve(state)} belongs to the user ${owner}, who could not read what root writes there: start Caretaker as that user: ${advice}`
}
