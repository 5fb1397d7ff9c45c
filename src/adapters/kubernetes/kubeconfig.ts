import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { parse } from 'yaml'
import { AgentError, messageOf } from '../../core/errors.ts'

/** What it takes to talk to an API server: PEM texts, or a token. */
export interface Access {
  readonly server: URL
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly token: string | undefined
}

/**
 * Reads a kubeconfig's current context (kubernetes/client-go tools/clientcmd/api/v1). Data may be embedded or in files
 * beside it. Programs that fetch credentials (`exec`) need a person or a cloud, and are refused.
 *
 * @throws AgentError `misconfigured`
 */
export function parseKubeconfig(text: string, file: string): Access {
  const wrong = (why: string) => new AgentError('misconfigured', `${file}: ${why}`)
  let document: Record<string, unknown>
  try {
    document = asRecord(parse(text))
  } catch (error) {
    throw wrong(`it is not YAML: ${messageOf(error)}`)
  }
  const named = (list: 'contexts' | 'clusters' | 'users', kind: string, name: unknown) => {
    const entries = Array.isArray(document[list]) ? document[list].map(asRecord) : []
    const found = entries.find((entry) => entry['name'] === name)
    if (!found) throw wrong(`it has no ${kind} "${String(name)}"`)
    return asRecord(found[kind])
  }
  const current = document['current-context']
  if (typeof current !== 'string' || current === '') throw wrong('it has no current-context')
  const context = named('contexts', 'context', current)
  const cluster = named('clusters', 'cluster', context['cluster'])
  const user = named('users', 'user', context['user'])
  if (user['exec'] !== undefined)
    throw wrong(
      `the user "${String(context['user'])}" gets its credentials from a program: use one with a client certificate or a token`,
    )

  const read = (from: Record<string, unknown>, key: string) => {
    const data = from[`${key}-data`]
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
    const path = from[key]
    if (typeof path !== 'string') return undefined
    try {
      return readFileSync(resolve(dirname(file), path), 'utf8')
    } catch (error) {
      throw wrong(`${key} can't be read: ${messageOf(error)}`)
    }
  }
  const { server } = cluster
  if (typeof server !== 'string' || !URL.canParse(server) || new URL(server).protocol !== 'https:')
    throw wrong('the cluster has no https server')
  if (cluster['insecure-skip-tls-verify'] === true)
    throw wrong('insecure-skip-tls-verify is not supported: give it the certificate-authority')
  const token = typeof user['token'] === 'string' ? user['token'] : undefined
  const [cert, key] = [read(user, 'client-certificate'), read(user, 'client-key')]
  if (token === undefined && (cert === undefined || key === undefined))
    throw wrong('its user has neither a client certificate with its key nor a token')
  const ca = read(cluster, 'certificate-authority')
  try {
    createSecureContext({ ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) })
  } catch (error) {
    throw wrong(`its certificates or key can't be used: ${messageOf(error)}`)
  }
  return { server: new URL(server), ca, cert, key, token }
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
