/** Where a page stands that has made a browser ask: on our own, on another, or nothing tells. */
export type Whence = 'own' | 'foreign' | 'untold'

export interface WhenceHeaders {
  readonly 'sec-fetch-site'?: string | string[] | undefined
  readonly origin?: string | undefined
}

export interface WhenceOptions {
  /** The Host header. */
  readonly host: string
  /** Whether the request came by TLS. */
  readonly isSecure: boolean
  /** Where we are reached besides. */
  readonly url: string | undefined
}

/**
 * Browsers tell by Sec-Fetch-Site (W3C Fetch Metadata), but not over plain HTTP to another machine: there Origin (RFC
 * 6454) has to be the Host. `same-site` is another port or a sibling's name, and foreign.
 */
export function whenceOf(headers: WhenceHeaders, options: WhenceOptions): Whence {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' ? 'own' : 'foreign'
  const { origin } = headers
  if (origin === undefined) return 'untold'
  return isOwnOrigin(origin, options) ? 'own' : 'foreign'
}

function isOwnOrigin(text: string, { host, isSecure, url }: WhenceOptions): boolean {
  const origin = parseOrigin(text)
  if (!origin) return false
  if (url !== undefined && new URL(url).origin === origin.origin) return true
  if (isSecure && origin.protocol !== 'https:') return false
  // Behind a proxy that we do not know, only the browser knows whether it was https.
  const asked = `${origin.protocol}//${host}`
  return URL.canParse(asked) && new URL(asked).host === origin.host
}

/** Only as browsers write it: scheme, host and port. */
function parseOrigin(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === text.toLowerCase() ? url : undefined
}
