import process from 'node:process'
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
    const { notesOf, renderSaved } = await import('./render-backup.ts')
    await print(options, answer, renderSaved(answer))
    if (!options.json) for (const line of notesOf(answer)) output.note(line)
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
    await print(options, answer, (await import('./render-backup.ts')).renderRestored(answer))
    return exit.ok
  }).option('--no-configuration', 'leave the configuration and the schematics as they are')
}
