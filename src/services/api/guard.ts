import type { IncomingMessage } from 'node:http'
import { clientKey } from '../../http/addresses.ts'
import { type HostName, parseHost } from './host-name.ts'
import type { Peer } from './peer.ts'
import type { Rates } from './rates.ts'
import type { Refusal } from './refusal.ts'
import { parseTarget } from './target.ts'

export interface GuardMeans {
  isOurs(host: HostName): boolean
  readonly requests: Rates
}

/** What stands in a request once. Who reads the first of two and who reads the last would not agree. */
const single = ['host', 'authorization', 'content-type', 'content-length', 'origin', 'sec-fetch-site']

/**
 * Why a request goes no further, before anything of it counts: it does not name us, can be read in two ways, or there are
 * too many of its client. Undefined where it goes on; its target is a path then.
 */
export function whyRefused(
  incoming: IncomingMessage,
  peer: Peer,
  { isOurs, requests }: GuardMeans,
): Refusal | undefined {
  return whyUnclear(incoming) ?? whyMisdirected(incoming, isOurs) ?? whyTooMany(peer, requests)
}

function whyUnclear({ rawHeaders }: IncomingMessage): Refusal | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const twice = single.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
  return twice === undefined ? undefined : unclear(`the request has more than one header ${twice}`)
}

function whyMisdirected(incoming: IncomingMessage, isOurs: (host: HostName) => boolean): Refusal | undefined {
  const host = parseHost(incoming.headers.host ?? '')
  if (!host) return unclear('the request has no Host header that can be read')
  if (!isOurs(host)) return misdirected(host.name)
  const target = parseTarget(incoming.url ?? '')
  if (!target) return unclear('the target of the request is not a path')
  if (target.authority !== undefined) {
    const named = parseHost(target.authority)
    if (!named || named.name !== host.name || named.port !== host.port)
      return unclear('the target of the request and its Host header name different hosts')
  }
  incoming.url = target.path
  return undefined
}

function whyTooMany(peer: Peer, requests: Rates): Refusal | undefined {
  const client = clientKey(peer.client)
  const retryAfter = requests.wait(client)
  if (retryAfter > 0) return { status: 429, code: 'not-now', detail: 'too many requests from this address', retryAfter }
  requests.count(client)
  return undefined
}

const unclear = (detail: string): Refusal => ({ status: 400, code: 'misconfigured', detail })

/** The name is one line of letters, digits and dots: `parseHost` has read it. */
function misdirected(name: string): Refusal {
  const detail = `this Caretaker is not known as ${name}: add it to \`api.hosts\` if it is`
  return { status: 421, code: 'misconfigured', detail }
}
