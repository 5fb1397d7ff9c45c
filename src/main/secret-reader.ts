import type { SecretSource } from '../config/scalars.ts'
import { readText } from './file-gate.ts'
import type { Reading } from './kept-file.ts'
import { readSecret, type Settings } from './settings.ts'

/** Reads what the configuration names, and remembers from which files. */
export interface SecretReader {
  /** `what` names the setting. @throws AgentError `misconfigured` */
  secret(source: SecretSource, what: string): Promise<string>
  /** The text of a file. @throws AgentError `misconfigured` */
  text(file: string): Promise<string>
}

/** What is made of secrets, with every file that it depends on. @throws AgentError `misconfigured` */
export async function withSecrets<T>(
  settings: Pick<Settings, 'path' | 'environment'>,
  make: (reader: SecretReader) => Promise<T>,
): Promise<Reading<T>> {
  const files = new Set<string>()
  const value = await make({
    secret: (source, what) => {
      if ('file' in source) files.add(settings.path(source.file))
      return readSecret(source, what, settings)
    },
    text: (file) => {
      files.add(settings.path(file))
      return readText(settings.path(file))
    },
  })
  return { value, files: [...files] }
}
