/** Names of what may hold a secret in its own words, although none is asked for there. */
const secretNames = /token|passw|secret|authorization|cookie|apikey|api-key|credential/i

/** A value as people are shown it, less what may be a secret. @param path where it stands */
export function maskedText(path: readonly (string | number)[], value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { file, env } = value as { readonly file?: unknown; readonly env?: unknown }
    if (typeof file === 'string') return `from the file ${file}`
    if (typeof env === 'string') return `from the environment variable ${env}`
    return JSON.stringify(value)
  }
  const names = path.map(String)
  const isHeader = names.includes('headers') && names.at(-1) !== 'headers'
  if (isHeader || names.some((name) => secretNames.test(name) && name !== 'tokens')) return 'not shown'
  if (names.at(-1) === 'body') return 'not shown'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => plain(one)).join(', ')
  return plain(value)
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'object') return JSON.stringify(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // Also within a text, such as the kernel argument `talos.config=https://…`.
  return text.replaceAll(/[a-z][a-z0-9+.-]{0,31}:\/\/[^\s"'<>]+/gi, withoutCredentials)
}

/** A URL without who logs in by it and what is asked, which may be a key. */
function withoutCredentials(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  if (url.username === '' && url.password === '' && url.search === '') return text
  url.username = ''
  url.password = ''
  if (url.search !== '') url.search = '?…'
  return url.href.replace('?%E2%80%A6', '?…')
}
