import { lookup } from 'node:dns'
import { lookup as lookupAll } from 'node:dns/promises'
import { Agent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'
import { getCACertificates } from 'node:tls'
import { lookupAfter, type Redirector, whyNotConnect } from '../../core/redirect.ts'
import { type ProxyEnvironment, proxyFor } from '../../core/web-proxy.ts'
import type { FactoryAccess } from './access.ts'

/** The way to one URL. */
export interface Route {
  readonly begin: typeof httpRequest
  readonly options: RequestOptions
  /** What only the Factory's own origin is sent. */
  readonly headers: Readonly<Record<string, string>>
  readonly proxy: URL | undefined
}

export interface Destination {
  readonly access?: FactoryAccess | undefined
  readonly environment?: ProxyEnvironment | undefined
  /** The Factory's own: credentials are for it, and for nobody that it redirects to. */
  readonly origin: string
  /** After a redirect, the first of the way. */
  readonly first: Redirector | undefined
}

/** @throws AgentError `misconfigured` for a proxy that is none */
export function chooseRoute(url: URL, { access = {}, environment = {}, origin, first }: Destination): Route {
  const isOwn = url.origin === origin
  const isSecure = url.protocol === 'https:'
  const proxy = proxyFor(url, environment)
  const { authorization, ca } = access
  const trusted = ca === undefined ? {} : { ca: isOwn ? ca : [...getCACertificates('default'), ca] }
  return {
    begin: isSecure ? httpsRequest : httpRequest,
    proxy,
    headers: isOwn && authorization !== undefined ? { authorization } : {},
    options: {
      agent: proxy === undefined ? false : agentFor(proxy, isSecure),
      ...(isSecure ? trusted : {}),
      // A proxy is looked up by its own name, which says nothing of where it leads.
      ...(first && proxy === undefined ? { lookup: lookupAfter(first, lookup) as typeof lookup } : {}),
    },
  }
}

/** Whom it is for has been decided already. */
function agentFor({ href }: URL, isSecure: boolean): Agent {
  return isSecure ? new SecureAgent({ proxyEnv: { https_proxy: href } }) : new Agent({ proxyEnv: { http_proxy: href } })
}

/** The address of a host that a proxy was asked for, as far as this machine knows it. */
export async function addressBehind({ hostname }: URL): Promise<string | undefined> {
  return (await addressesOf(hostname))[0]
}

/**
 * Why what a proxy is asked for is not followed: a name that leads to a private address here leads there from the proxy
 * as well. Undefined where this machine can't look it up, and where no proxy is in between, which is checked by the
 * connection itself.
 */
export async function whyNotThroughProxy(
  first: Redirector,
  to: URL,
  environment: ProxyEnvironment = {},
  resolve = addressesOf,
): Promise<string | undefined> {
  if (proxyFor(to, environment) === undefined) return undefined
  const found = await resolve(to.hostname)
  return found.map((address) => whyNotConnect(first, address)).find((why) => why !== undefined)
}

async function addressesOf(hostname: string): Promise<readonly string[]> {
  const host = hostname.replaceAll(/[[\]]/g, '')
  return lookupAll(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  )
}
