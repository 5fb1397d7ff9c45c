import { canMend, type FileAccess, octal, wantedMode } from '../../core/doctor/files.ts'
import type { MachineProbe } from '../../core/doctor/ports.ts'
import { messageOf } from '../../core/errors.ts'

/** Mends what is safe to mend: modes of our own files, and folders of our own that are missing. A sentence for each. */
export async function mendFiles({ files, mend }: Pick<MachineProbe, 'files' | 'mend'>): Promise<readonly string[]> {
  const mended: string[] = []
  for (const file of (await files()).filter(canMend)) mended.push(await mendOne(file, mend))
  return mended
}

async function mendOne(file: FileAccess, mend: MachineProbe['mend']): Promise<string> {
  const { path, what } = file
  const [mode, had] = [wantedMode(file), file.found?.mode]
  try {
    await mend(file)
  } catch (error) {
    return `${path}, ${what}, could not be fixed: ${messageOf(error)}`
  }
  return had !== undefined && mode !== undefined
    ? `${path}, ${what}, has the mode ${octal(mode)} now, and had ${octal(had)}`
    : `${path}, ${what}, was made`
}
