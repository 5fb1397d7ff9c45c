import { below } from '../../core/address.ts'
import { AgentError } from '../../core/errors.ts'
import type { ProxyEnvironment } from '../../core/web-proxy.ts'
import { readText, send } from './http.ts'

const within = 15_000
/** In bytes: one may hold a whole machine configuration. */
const largest = 1_048_576

/**
 * The text of a schematic that a Factory knows, YAML (`GET /schematics/ID`, from Image Factory 0.9.0 on). Undefined where
 * it does not know it, or does not hand it out.
 *
 * @throws AgentError `unreachable`
 */
export async function readSchematicText(
  url: string,
  id: string,
  { signal, environment }: { readonly signal: AbortSignal; readonly environment?: ProxyEnvironment },
): Promise<string | undefined> {
  const { response, host } = await send({
    method: 'GET',
    url: below(new URL(url), `/schematics/${id}`),
    headersWithin: within,
    signal,
    environment,
  })
  const text = await readText(response, host, { bytes: largest, within }, signal)
  const status = response.statusCode ?? 0
  if (status >= 500) throw new AgentError('unreachable', `${host} answers ${status} to the question for a schematic`)
  return status === 200 ? text : undefined
}
