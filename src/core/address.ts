import { withoutEnd } from './text-end.ts'

/**
 * The URL of a path below a base, which may have a path of its own. Not as links are resolved: there `//api` names
 * another host, and a base such as `https://10.0.0.1:6443//` would send our credentials to it.
 *
 * @param path from `/` on, with its query
 */
export function below(base: URL, path: string): URL {
  const [place = '', ...query] = path.split('?')
  const url = new URL(base)
  url.hash = ''
  url.search = query.join('?')
  url.pathname = withoutEnd(base.pathname, '/') + place
  return url
}

/** The 32 bits of an IPv4 address in dotted form, unsigned; undefined where it is none. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.')
  const isWhole = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  return isWhole ? parts.reduce((bits, part) => bits * 256 + Number(part), 0) : undefined
}

/**
 * An IP address in the one form by which it is compared: IPv6 as RFC 5952 writes it, without a zone, and IPv4 that comes
 * in IPv6's clothes as IPv4. Undefined where it is none.
 */
export function canonicalAddress(text: string): string | undefined {
  const [address = ''] = text.split('%')
  if (parseIpv4(address) !== undefined) return address
  const isIpv6 = /^[0-9a-f:.]*$/i.test(address) && URL.canParse(`http://[${address}]/`)
  if (!isIpv6) return undefined
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (!mapped) return canonical
  const bits = mapped.slice(1).map((part) => Number.parseInt(part, 16))
  return bits.flatMap((word) => [word >> 8, word & 255]).join('.')
}

/**
 * A MAC address as it is compared, `00:11:32:ab:cd:ef`, however it is written: with colons, with dashes or bare, in any
 * case. Undefined where it is none.
 */
export function normalMac(text: string): string | undefined {
  const isMac = /^[0-9a-f]{2}(?:([:-]?)[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text)
  if (!isMac) return undefined
  const digits = text.toLowerCase().replaceAll(/[:-]/g, '')
  return Array.from({ length: 6 }, (_, index) => digits.slice(2 * index, 2 * index + 2)).join(':')
}
