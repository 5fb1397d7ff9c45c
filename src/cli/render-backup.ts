import { counted } from '../core/count.ts'
import { printable } from '../core/printable.ts'
import type { BackupAnswer } from '../main/backup.ts'
import type { RestoreAnswer } from '../main/restore.ts'
import { hanging } from './table.ts'

export function renderSaved({ file, files }: BackupAnswer): string {
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0)
  const what = `${counted(files.length, 'file')}, ${Math.ceil(bytes / 1_024)} KiB`
  return hanging('', `${printable(file)} is written and read back: ${what}`)
}

/** What to know of a backup, beside that it is there. */
export function notesOf({ hasSecrets, leftOut }: BackupAnswer): readonly string[] {
  if (hasSecrets)
    return [
      'it gives access to the cluster: keep it where nobody else can read it',
      ...leftOut.map((path) => `not in it, because it lies elsewhere: ${path}`),
    ]
  return leftOut.length === 0 ? [] : [`without secrets (--with-secrets): keep these yourself: ${leftOut.join(', ')}`]
}

export function renderRestored({ version, at, restored, kept, finished }: RestoreAnswer): string {
  const backup = `${at} (Caretaker ${printable(version)})`
  const lines = [
    ...(finished === null ? [] : [finished]),
    restored.length === 0
      ? `all is as in the backup of ${backup}: nothing was replaced`
      : `${counted(restored.length, 'file')} of ${backup} restored`,
    ...restored.map((path) => `  ${path}`),
    ...(kept === undefined ? [] : [`what was there before is in ${kept}`]),
    'check it with `caretaker config check`, then start Caretaker',
  ]
  return lines.map((line) => hanging(/^ */.exec(line)![0], printable(line.trimStart()))).join('\n')
}
