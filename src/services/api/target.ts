/** The target of a request line (RFC 9112 3.2). */
export interface Target {
  /** From `/` on, with the query. */
  readonly path: string
  /** Host and port where the whole URL was given, as to a proxy. */
  readonly authority: string | undefined
}

/** Undefined where it is none that a server answers: `*`, the `host:port` of CONNECT, or characters that no URL has. */
export function parseTarget(text: string): Target | undefined {
  // What a URL can't hold is read by some as another path.
  if (!/^[!$-;=?-[\]-~]+$/.test(text)) return undefined
  if (text.startsWith('/')) return { path: text, authority: undefined }
  const match = /^https?:\/\/([^/?]*)(.*)$/i.exec(text)
  if (!match) return undefined
  const [, authority = '', rest = ''] = match
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority }
}
