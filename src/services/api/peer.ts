import type { IncomingMessage } from 'node:http'
import { canonicalAddress } from '../../core/address.ts'
import { isLoopback, peerAddress } from '../../http/addresses.ts'

/** Whoever is at the other end of the connection. */
export interface Peer {
  readonly address: string
  /** Whether it is a reverse proxy that may say who asks. */
  readonly isTrusted: boolean
  /** The client's address, by which requests are counted: the peer's own, or what a trusted proxy says. */
  readonly client: string
  /** Whether the client came by TLS, to us or to a trusted proxy. */
  readonly isSecure: boolean
  /** Whether it is a program on this machine that asks for itself, and not for somebody else. */
  readonly isLocal: boolean
}

/** What proxies, tunnels and gateways add. */
const forwarding =
  /^(x-forwarded(-.+)?|forwarded|via|x-real-ip|x-client-ip|x-original-.+|x-cluster-client-ip|true-client-ip|cf-.+|x-envoy-.+|x-proxy-.+|client-ip)$/

/** @param isProxy whether an address is one of the proxies that are trusted */
export function peerOf(incoming: IncomingMessage, isProxy: (address: string) => boolean): Peer {
  const { socket, headers } = incoming
  const address = peerAddress(socket)
  const isTrusted = isProxy(address)
  const isEncrypted = 'encrypted' in socket && socket.encrypted === true
  return {
    address,
    isTrusted,
    client: (isTrusted ? clientIn(lastOf(headers['x-forwarded-for'])) : undefined) ?? address,
    isSecure: isEncrypted || (isTrusted && lastOf(headers['x-forwarded-proto']) === 'https'),
    isLocal: isLoopback(address) && !isTrusted && !isForwarded(incoming),
  }
}

/** HTTP/1.0 is what nginx speaks to us unless it is told otherwise, and then it adds no header. */
function isForwarded({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion !== '1.1' || Object.keys(headers).some((name) => forwarding.test(name))
}

/** What the proxy itself has added: clients can send what comes before. */
function lastOf(header: string | string[] | undefined): string | undefined {
  return [header].flat().join(',').split(',').at(-1)?.trim()
}

/** An address as it stands in X-Forwarded-For, with or without a port. */
function clientIn(text: string | undefined): string | undefined {
  const [, bracketed, plain] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+)(?::\d+)?$/.exec(text ?? '') ?? []
  return canonicalAddress(bracketed ?? plain ?? text ?? '')
}
