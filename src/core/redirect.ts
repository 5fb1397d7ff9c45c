/**
 * How far an address reaches, from this machine to the whole world (IANA's registries of special-purpose addresses,
 * RFC 6890). Link-local ones lead to what a cloud or a switch tells machines of themselves: nothing is redirected there.
 */
export type Reach = 'loopback' | 'link-local' | 'private' | 'public'

/** How far an IP address reaches. What is none at all counts as link-local, which is followed least. */
export function reachOf(address: string): Reach {
  const plain = address.replace(/%.*/, '')
  const written = plain.includes(':') ? `http://[${plain}]/` : `http://${plain}/`
  // URL writes every form in one way: `127.1` and `0x7f.1`, `::ffff:127.0.0.1` (WHATWG URL, host parsing).
  if (!URL.canParse(written)) return 'link-local'
  const host = new URL(written).hostname
  if (host.startsWith('[')) return reachOfSix(groupsOf(host.slice(1, -1)))
  const bytes = host.split('.').map(Number)
  return bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255) ? reachOfFour(bytes) : 'link-local'
}

function reachOfFour([a = 0, b = 0, c = 0]: readonly number[]): Reach {
  // 0.0.0.0 is this machine where it is connected to.
  if (a === 127 || a === 0) return 'loopback'
  if ((a === 169 && b === 254) || a >= 224) return 'link-local'
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private'
  // Behind a provider's NAT, as Tailscale's; for benchmarks; for protocols.
  if ((a === 100 && b >= 64 && b < 128) || (a === 198 && (b === 18 || b === 19))) return 'private'
  return a === 192 && b === 0 && c === 0 ? 'private' : 'public'
}

function reachOfSix(groups: readonly number[]): Reach {
  const [first = 0, second = 0] = groups
  const four = [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8]
  const isEmptyTo = (count: number) => groups.slice(0, count).every((group) => group === 0)
  if (isEmptyTo(7) && groups[7]! <= 1) return 'loopback'
  // IPv4 in IPv6: mapped and compatible, NAT64, 6to4.
  if (isEmptyTo(6) || (isEmptyTo(5) && groups[5] === 0xffff) || (first === 0x64 && second === 0xff9b))
    return reachOfFour(four)
  if (first === 0x2002) return reachOfFour([second >> 8, second & 255, groups[2]! >> 8])
  if ((first & 0xffc0) === 0xfe80 || (first & 0xff00) === 0xff00) return 'link-local'
  return (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfec0 ? 'private' : 'public'
}

/** The eight groups of an address as URL writes it, `::1`. */
function groupsOf(address: string): readonly number[] {
  const [before = '', after] = address.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [start, end] = [read(before), read(after ?? '')]
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => 0), ...end]
}

/** A server that redirects, as it was reached. */
export interface Redirector {
  readonly url: URL
  /** The IP address of the one that was configured: the first of the way. Undefined where only a proxy knows it. */
  readonly address: string | undefined
}

/**
 * Why a redirect to this URL is not followed; undefined where it is, as far as the URL tells. Never from https to
 * http: what was asked for in secret would be sent in the open, and anybody could answer it.
 */
export function whyNotFollow(from: Redirector, to: URL): string | undefined {
  if (to.protocol !== 'http:' && to.protocol !== 'https:') return 'which is not a web address'
  if (from.url.protocol === 'https:' && to.protocol === 'http:') return 'which is without TLS'
  const literal = /^\[.*\]$|^[\d.]+$/.test(to.hostname) ? to.hostname.replaceAll(/[[\]]/g, '') : undefined
  return literal === undefined ? undefined : whyNotConnect(from, literal)
}

/**
 * Why no connection is made to this address after a redirect. A server of the Internet leads nowhere but to the Internet:
 * not to this machine, nor to what stands beside it, whatever names resolve to. One that is private itself, as a
 * self-hosted Factory, may lead to other private ones; one on this machine to this machine; and every one to itself.
 */
export function whyNotConnect({ address }: Redirector, to: string): string | undefined {
  const there = reachOf(to)
  const here = address === undefined ? 'public' : reachOf(address)
  const mayFollow =
    there === 'public' ||
    to === address ||
    (there === 'private' && (here === 'private' || here === 'loopback')) ||
    (there === 'loopback' && here === 'loopback')
  const own = address === undefined ? 'nobody here knows where that is' : `${address} is ${here}`
  return mayFollow ? undefined : `whose address ${to} is ${there}, while ${own}`
}

type Found = string | readonly { readonly address: string }[]
type Resolve = (host: string, options: object, found: (error: Error | null, at: Found, family?: number) => void) => void

/**
 * The lookup of a connection (`lookup` of `net.connect`) that goes by `whyNotConnect`: what is checked is what is
 * connected to, so a name that resolves to something else a moment later changes nothing.
 */
export function lookupAfter(from: Redirector, resolve: Resolve): Resolve {
  return (host, options, found) =>
    resolve(host, options, (error, at, family) => {
      const addresses = typeof at === 'string' ? [at] : (at ?? []).map(({ address }) => address)
      const why = addresses.map((address) => whyNotConnect(from, address)).find((one) => one !== undefined)
      found(error ?? (why === undefined ? null : new RedirectRefused(`${host}, ${why}`)), at, family)
    })
}

/** A redirect that is not followed: `message` names where it leads, and why not. */
export class RedirectRefused extends Error {}
