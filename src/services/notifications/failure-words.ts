/** A certificate that nobody vouches for, in OpenSSL's several words. */
const untrusted =
  /unable to verify the first certificate|self.signed certificate|unable to get (local )?issuer certificate/i
/** OpenSSL's own errors: `…:error:CODE:SSL routines:FUNCTION:REASON:FILE…`. */
const openssl = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/i
/** What a server that speaks no TLS looks like to one who begins with it. */
const noTls = /wrong version number|packet length too long|http request/i

/** Why a connection failed, for people: Node and OpenSSL tell of their own insides where TLS fails. */
export function failureWords(text: string): string {
  if (untrusted.test(text))
    return 'its certificate is signed by no authority that is trusted here; where it is of your own CA, name that in `notifications.ca`'
  const reason = openssl.exec(text)?.[1]?.trim()
  if (reason === undefined) return text
  return noTls.test(reason) ? 'no TLS is spoken on this port' : `TLS: ${reason}`
}

/** What a web page says, where it stands in the place of an answer: its title, else its text. */
export function pageWords(text: string): string {
  if (!text.trimStart().startsWith('<')) return text
  const parts = text.split('<')
  const title = parts.find((part) => /^title\b/i.test(part))
  if (title !== undefined) return afterTag(title)
  return parts.map((part) => (/^(style|script)\b/i.test(part) ? '' : afterTag(part))).join(' ')
}

function afterTag(part: string): string {
  return part.slice(part.indexOf('>') + 1)
}

/** How Go, nginx and Apache answer somebody who speaks plain HTTP to a port with TLS. */
export function wantsTls(text: string): boolean {
  return /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL/i.test(
    text,
  )
}
