import { join } from 'node:path'
import { createAuthorityText, openAuthority } from '../adapters/authority/authority.ts'
import { AgentError, during, messageOf } from '../core/errors.ts'
import type { Authority } from '../core/provision/authority.ts'
import { isMissingFile, readText } from './file-gate.ts'
import { createSecret } from './replace-file.ts'

/** Where the authority of a name is kept: a backup with secrets has it. */
export function authorityFile(state: string, host: string): string {
  return join(state, 'keys', `ca-${host.replaceAll(':', '_')}.pem`)
}

/**
 * The authority that vouches for this name, kept in the state directory. Undefined where none was made.
 *
 * @throws AgentError `misconfigured`, `malformed`; names the file
 */
export async function readAuthority(state: string, host: string): Promise<Authority | undefined> {
  const file = authorityFile(state, host)
  let text: string
  try {
    text = await readText(file)
  } catch (error) {
    if (isMissingFile(error)) return undefined
    throw error
  }
  try {
    return openAuthority(text, host)
  } catch (error) {
    throw during(
      `${file} is damaged (restore it from a backup; or remove it, and give machines images with the new one)`,
      error,
    )
  }
}

/** The same, made and kept where there is none. Whoever is first makes it. @throws AgentError */
export async function keepAuthority(state: string, host: string): Promise<Authority> {
  const known = await readAuthority(state, host)
  if (known) return known
  const file = authorityFile(state, host)
  try {
    await createSecret(file, createAuthorityText(host))
  } catch (error) {
    throw new AgentError('misconfigured', `${file} can't be written: ${messageOf(error)}`)
  }
  const kept = await readAuthority(state, host)
  if (!kept) throw new AgentError('internal', `${file} has vanished`)
  return kept
}
