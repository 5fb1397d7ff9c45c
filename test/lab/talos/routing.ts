import * as net from 'node:net'
import { ConnectError } from '@connectrpc/connect'
import { failCall } from './grpc.ts'
import { askMany } from './many-nodes.ts'
import { whyNotMany } from './many.ts'
import { proxy } from './one-node.ts'
import { codes, createPeers, type Place, type Request, type Response } from './peers.ts'

/**
 * How apid sends a call on to the node that its `node` header names (siderolabs/talos internal/app/apid/pkg/director).
 */
export interface Routing {
  /** Gets the certificate that a control plane calls its peers with. */
  prepare(): Promise<void>
  /** Takes the call over if it is for somebody else, or is asked for in a way that cannot be; false: serve it here. */
  forward(request: Request, response: Response, roles: readonly string[]): boolean
  close(): void
}

export function createRouting(place: Place): Routing {
  const { name, role, address } = place
  const peers = createPeers(place)
  return {
    prepare: peers.prepare,
    forward(request, response, roles) {
      const { headers } = request
      const refuse = (code: number, reason: string) => {
        failCall(response, code, reason)
        return true
      }
      const isSelf = (target: string) => target === address || target === name
      if (headers['proxyfrom'] !== undefined) return false
      const many = headers['nodes']
      if (many !== undefined) {
        const targets = [many].flat().flatMap((names) => names.split(',').map((target) => target.trim()))
        // A node that forwards nothing answers for itself, as if it had been asked directly; from 1.12 on.
        if (role === 'worker' && targets.length === 1 && isSelf(targets[0]!)) return false
        const reason = whyNotMany(request.url)
        if (reason !== undefined) return refuse(codes.invalidArgument, reason)
        if (role === 'worker') return refuse(codes.permissionDenied, 'no request forwarding')
        askMany(request, response, { peers, targets, roles }).catch((error: Error) =>
          failCall(response, codes.internal, ConnectError.from(error).rawMessage),
        )
        return true
      }
      const target = headers['node']
      if (target === undefined) return false
      if (typeof target !== 'string' || target.includes(','))
        return refuse(codes.invalidArgument, 'node metadata must be single-valued')
      if (isSelf(target)) return false
      if (role === 'worker') return refuse(codes.permissionDenied, 'no request forwarding')
      if (net.isIP(target) === 0) return refuse(codes.internal, `invalid target "${target}"`)
      proxy(request, response, peers.connectTo(target), peers.passOn(headers, roles))
      return true
    },
    close: peers.close,
  }
}
