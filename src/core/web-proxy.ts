import { parseIpv4 } from './address.ts'
import { AgentError } from './errors.ts'

/** What the environment says of proxies for the web, by the names that curl and others read. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that a URL is asked through, by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or their lower-case
 * forms, which come first; undefined where it is asked directly. What is on this machine is always asked directly.
 *
 * @throws AgentError `misconfigured` where what is named is no proxy; its text may hold a password, and is not repeated
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const scheme = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const [name, text] = firstOf(environment, [scheme, 'ALL_PROXY'])
  if (text === '' || isOwn(url) || isExempt(url, firstOf(environment, ['NO_PROXY'])[1])) return undefined
  // A scheme may be left out, as for curl.
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const proxy = URL.canParse(written) ? new URL(written) : undefined
  if (proxy === undefined || !['http:', 'https:'].includes(proxy.protocol))
    throw new AgentError('misconfigured', `$${name} names no HTTP proxy: write it as http://proxy.lan:3128`)
  return proxy
}

function firstOf(environment: ProxyEnvironment, names: readonly string[]): readonly [name: string, value: string] {
  for (const name of names.flatMap((one) => [one.toLowerCase(), one])) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') return [name, value]
  }
  return [names[0]!, '']
}

function isOwn({ hostname }: URL): boolean {
  return /^((.*\.)?localhost\.?|127\.[\d.]+|\[::1\])$/.test(hostname)
}

/**
 * Whether `NO_PROXY` names the host: `*`; a domain with all below it, with or without a dot before; an address; a network
 * of IPv4 (`10.0.0.0/8`). A port after it counts.
 */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replaceAll(/[[\]]/g, '').replace(/\.$/, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, bracketed, named, ofPort] = /^(?:\[([^\]]+)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? []
      if (ofPort !== undefined && ofPort !== port) return false
      const name = (bracketed ?? named ?? entry).replace(/^\*?\./, '').replace(/\.$/, '')
      return host === name || host.endsWith(`.${name}`) || isInNetwork(host, name)
    })
}

function isInNetwork(host: string, network: string): boolean {
  const [start = '', length = ''] = network.split('/')
  const [address, base] = [parseIpv4(host), parseIpv4(start)]
  if (address === undefined || base === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return false
  const size = 2 ** (32 - Number(length))
  return Math.floor(address / size) === Math.floor(base / size)
}
