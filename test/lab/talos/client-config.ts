import { durationMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { stringify } from 'yaml'
import type { GenerateClientConfigurationRequest } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { withTalosLabel } from '../authority.ts'
import type { TalosNodeOptions } from './types.ts'

/** Roles that there are; others are left out of the certificate (siderolabs/talos pkg/machinery/role). */
const known = ['os:admin', 'os:operator', 'os:reader', 'os:etcd:backup', 'os:impersonator']

/**
 * A new client certificate, and the talosconfig around it, which names no endpoints (siderolabs/talos
 * internal/app/machined/internal/server/v1alpha1/v1alpha1_server.go GenerateClientConfiguration).
 */
export async function generateClient(
  options: Pick<TalosNodeOptions, 'authority' | 'clientAuthority'>,
  { roles, crtTtl }: Pick<GenerateClientConfigurationRequest, 'roles' | 'crtTtl'>,
) {
  const ttl = crtTtl === undefined ? 0 : durationMs(crtTtl)
  if (ttl <= 0) throw new ConnectError('crt_ttl should be positive', Code.InvalidArgument)
  const authority = options.clientAuthority?.() ?? options.authority
  const organizations = roles.filter((role) => known.includes(role))
  const { cert, key } = await authority.issueClient({ common: '', organizations, to: new Date(Date.now() + ttl) })
  const name = organizations.length === 1 ? `${organizations[0]!.slice('os:'.length)}@lab` : 'lab'
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const labelled = withTalosLabel(key)
  const context = { ca: base64(authority.ca), crt: base64(cert), key: base64(labelled) }
  const bytes = (text: string) => new Uint8Array(Buffer.from(text))
  return {
    ca: bytes(authority.ca),
    crt: bytes(cert),
    key: bytes(labelled),
    talosconfig: bytes(stringify({ context: name, contexts: { [name]: context } })),
  }
}
