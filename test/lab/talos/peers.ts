import * as http2 from 'node:http2'
import type { Identity, LabAuthority } from '../authority.ts'

export type Request = http2.Http2ServerRequest
export type Response = http2.Http2ServerResponse

/** A node, as its peers see it. */
export interface Place {
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  readonly address: string
  readonly port: number
  readonly authority: LabAuthority
}

/** A node's connections to its peers. */
export interface Peers {
  /** Gets the certificate that a control plane calls its peers with. */
  prepare(): Promise<void>
  /** A new connection to the node at this address. */
  connectTo(target: string): http2.ClientHttp2Session
  /** A call's headers as a peer gets them: whom it comes from, and with what roles. */
  passOn(headers: http2.IncomingHttpHeaders, roles: readonly string[]): http2.OutgoingHttpHeaders
  close(): void
}

/** gRPC's, as far as apid says them itself. */
export const codes = { invalidArgument: 3, permissionDenied: 7, unimplemented: 12, internal: 13, unavailable: 14 }

export function createPeers({ name, role, address, port, authority }: Place): Peers {
  const upstreams = new Set<http2.ClientHttp2Session>()
  let identity: Identity | undefined
  return {
    async prepare() {
      if (role === 'controlplane')
        identity ??= await authority.issueClient({ common: name, organizations: ['os:impersonator'] })
    },
    connectTo(target) {
      const upstream = http2.connect(`https://${target}:${port}`, { ca: authority.ca, ...identity })
      upstreams.add(upstream)
      upstream.on('close', () => upstreams.delete(upstream))
      return upstream
    },
    passOn(headers, roles) {
      const { ':authority': _authority, host: _host, node: _node, nodes: _nodes, ...rest } = headers
      return { ...rest, proxyfrom: address, 'talos-role': [...roles] }
    },
    close() {
      for (const upstream of upstreams) upstream.destroy()
    },
  }
}
