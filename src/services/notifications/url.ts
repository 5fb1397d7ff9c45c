import type { SecretSource } from '../../config/scalars.ts'
import { AgentError } from '../../core/errors.ts'
import type { Files } from '../../operations/service.ts'

/**
 * A URL that stands in the configuration, or is kept as a secret because whoever knows it may use it. `setting` names it.
 *
 * @throws AgentError `misconfigured`, without the URL
 */
export async function readUrl(
  source: string | SecretSource,
  setting: string,
  files: Pick<Files, 'readSecret'>,
): Promise<URL> {
  const text = typeof source === 'string' ? source : (await files.readSecret(source, setting)).trim()
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new AgentError('misconfigured', `${setting}: it holds no URL that begins with https:// or http://`)
  return url
}

/** The URL of a path below another, whose query stays: `/ping/key?create=1` and `fail`. */
export function within(url: URL, path: string): URL {
  const inner = new URL(url)
  inner.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`
  return inner
}
