export type FileName =
  | { readonly path: string; readonly fault?: undefined }
  /** `forbidden`: it leads out of what is served; `not-found`: nothing can be called so. */
  | { readonly path?: undefined; readonly fault: 'forbidden' | 'not-found' }

/**
 * The path of a file below what is served, as firmware names it: with `/` or `\` between and before its parts, and with
 * bytes behind its end that belong to nobody (MikroTik pads option 67 with 0xFF, others with NUL). Upper and lower case
 * differ, as for every TFTP server. Hidden files are nobody's: they are what is being written.
 *
 * @param name one letter for each byte, which is UTF-8
 */
export function cleanName(name: string): FileName {
  const bytes = name.replace(/[\0\u00FF]{1,255}$/, '')
  if (bytes.length > 255 || /\p{Cc}/u.test(asciiOf(bytes))) return { fault: 'not-found' }
  const text = utf8(bytes)
  if (text === undefined) return { fault: 'not-found' }
  const parts = text.split(/[/\\]/).filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) return { fault: 'forbidden' }
  if (parts.length === 0 || parts.some((part) => part.startsWith('.'))) return { fault: 'not-found' }
  return { path: parts.join('/') }
}

/** What stands for itself; the bytes of other letters left out. */
function asciiOf(bytes: string): string {
  return bytes.replaceAll(/[\x80-\xFF]/g, '')
}

function utf8(bytes: string): string | undefined {
  try {
    return decodeURIComponent(
      bytes.replaceAll(/[%\x80-\xFF]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`),
    )
  } catch {
    return undefined
  }
}
