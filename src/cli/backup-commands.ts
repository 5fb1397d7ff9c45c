import process from 'node:process'
import { counted } from '../core/count.ts'
import { output } from './output.ts'
import { notRemote } from './server.ts'
import { command, exit, print } from './shell.ts'

/** The commands that save what Caretaker keeps, and put it back. */
export function addBackupCommands(): void {
  command('backup <file>', 'save the journal, the configuration and the schematics', async (options, [file], extra) => {
    if (options.server !== undefined) throw notRemote('a backup is made')
    const { makeBackup } = await import('../main/backup.ts')
    const withSecrets = extra['withSecrets'] === true
    const { config } = options
    const answer = await makeBackup({ to: file!, config, withSecrets, environment: process.env, now: new Date() })
    const bytes = answer.files.reduce((sum, one) => sum + one.bytes, 0)
    const what = `${counted(answer.files.length, 'file')}, ${Math.ceil(bytes / 1_024)} KiB`
    await print(options, answer, `${file} is written and read back: ${what}`)
    if (!options.json) for (const line of notesOf(withSecrets, answer.leftOut)) output.note(line)
    return exit.ok
  }).option('--with-secrets', 'also what gives access to the cluster: credentials, keys, passwords, snapshots of etcd')

  command('restore <file>', 'put a backup in place; what it replaces is kept', async (options, [file], extra) => {
    if (options.server !== undefined) throw notRemote('a backup is restored')
    const { restoreBackup } = await import('../main/restore.ts')
    // As the daemon does: what it makes is for its user alone.
    process.umask(0o077)
    const answer = await restoreBackup({
      from: file!,
      config: options.config,
      withoutConfiguration: extra['configuration'] === false,
      environment: process.env,
      now: new Date(),
    })
    const { version, at, restored, kept } = answer
    const lines = [
      `${counted(restored.length, 'file')} of ${at} (Caretaker ${version}) restored`,
      ...restored.map((path) => `  ${path}`),
      ...(kept === undefined ? [] : [`what was there before is in ${kept}`]),
      'check it with `caretaker config check`, then start Caretaker',
    ]
    await print(options, answer, lines.join('\n'))
    return exit.ok
  }).option('--no-configuration', 'leave the configuration and the schematics as they are')
}

function notesOf(withSecrets: boolean, leftOut: readonly string[]): readonly string[] {
  if (withSecrets)
    return [
      'it gives access to the cluster: keep it where nobody else can read it',
      ...leftOut.map((path) => `not in it, because it lies elsewhere: ${path}`),
    ]
  return leftOut.length === 0 ? [] : [`without secrets (--with-secrets): keep these yourself: ${leftOut.join(', ')}`]
}
