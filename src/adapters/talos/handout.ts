import { durationFromMs } from '@bufbuild/protobuf/wkt'
import { AgentError } from '../../core/errors.ts'
import { textInArchive } from './archive.ts'
import type { Session } from './session.ts'

/** A client configuration as a control plane issues it. */
export interface ClientConfiguration {
  readonly ca: string
  readonly crt: string
  /** As Talos labels it: `ED25519 PRIVATE KEY`. */
  readonly key: string
}

/** A request for a client certificate: its roles, and how long it is valid, in ms from now. */
export interface ClientOrder {
  readonly roles: readonly string[]
  readonly ttl: number
}

/** A kubeconfig for an admin of the cluster, YAML. */
export async function readKubeconfig({ machine }: Session, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const { bytes } of machine.kubeconfig({}, { signal })) chunks.push(bytes)
  return textInArchive(Buffer.concat(chunks), 'kubeconfig')
}

/** A new client certificate, as PEM texts. @throws AgentError `malformed` where a part is missing */
export async function generateClient(
  { machine }: Session,
  node: string,
  { roles, ttl }: ClientOrder,
  signal: AbortSignal,
): Promise<ClientConfiguration> {
  const crtTtl = durationFromMs(ttl)
  const { messages } = await machine.generateClientConfiguration({ roles: [...roles], crtTtl }, { signal })
  const [{ ca, crt, key } = {}] = messages
  if (!ca || !crt || !key)
    throw new AgentError('malformed', `${node} returned a client configuration without a certificate`)
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
  return { ca: text(ca), crt: text(crt), key: text(key) }
}
