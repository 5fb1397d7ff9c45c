import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { organizationsOf } from '../../core/certificate-life.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { openYaml, readYaml, valueOf } from '../../yaml.ts'
import { createFields, type Fields, type ReadFile } from './kubeconfig-fields.ts'

/** What it takes to talk to an API server: PEM texts, or a token. */
export interface Access {
  readonly server: URL
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly token: string | undefined
  /** The name in the server's certificate, where it is not that of the URL. */
  readonly serverName?: string | undefined
  /** On whose behalf each request is made. */
  readonly impersonate?: Impersonation | undefined
  /** The file it comes from, for messages; absent in credentials that tests build. */
  readonly origin?: string | undefined
  /** Files beside the kubeconfig that it was read from. */
  readonly files?: readonly string[]
}

/** k8s.io/client-go rest ImpersonationConfig. */
export interface Impersonation {
  readonly user: string
  readonly uid: string | undefined
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/**
 * Reads a kubeconfig's current context (kubernetes/client-go tools/clientcmd/api/v1). Data may be embedded or in files
 * beside it, which `readFile` reads. Logins that need a person, a cloud or another program are refused, and so are fields that would change the
 * server or the identity in an unsupported way.
 *
 * @throws AgentError `misconfigured`, one message, with nothing of what is secret
 */
export function parseKubeconfig(text: string, file: string, readFile: ReadFile = readNow): Access {
  const wrong = (why: string) => new AgentError('misconfigured', `${file}: ${why}`)
  const document = asRecord(valueOf(readYaml(text, wrong), wrong))
  const current = document['current-context']
  if (isUnquoted(current)) throw wrong(`current-context is not a string: put ${current} in quotes`)
  if (typeof current !== 'string' || current === '') throw wrong('it has no current-context')
  const named = (list: 'contexts' | 'clusters' | 'users', kind: string, name: unknown) => {
    if (isUnquoted(name)) throw wrong(`${kind} of the context "${current}" is not a string: put ${name} in quotes`)
    if (typeof name !== 'string' || name === '') throw wrong(`the context "${current}" names no ${kind}`)
    const entries = Array.isArray(document[list]) ? document[list].map(asRecord) : []
    const found = entries.filter((entry) => entry['name'] === name)
    if (found.length === 0 && entries.some((entry) => isUnquoted(entry['name']) && String(entry['name']) === name))
      throw wrong(`the name of the ${kind} "${name}" is not a string: put it in quotes`)
    if (found.length === 0) throw wrong(`it has no ${kind} "${name}"`)
    if (found.length > 1) throw wrong(`it has more than one ${kind} "${name}"`)
    return asRecord(found[0]![kind])
  }
  const context = named('contexts', 'context', current)
  const files: string[] = []
  const fieldsOf = (kind: string, name: unknown, values: Record<string, unknown>) =>
    createFields({ file, readFile, of: `the ${kind} "${String(name)}"`, values, files })
  const cluster = fieldsOf('cluster', context['cluster'], named('clusters', 'cluster', context['cluster']))
  const user = fieldsOf('user', context['user'], named('users', 'user', context['user']))

  cluster.refuseMisspelled(clusterFields)
  user.refuseMisspelled(userFields)
  refuseImpersonators(user, wrong)
  refuseOtherLogins(user, wrong)
  const where = readServer(cluster, wrong)
  const token = user.token()
  const [cert, key] = [user.pem('client-certificate'), user.pem('client-key')]
  if (token === undefined && (cert === undefined || key === undefined))
    throw wrong('its user has neither a client certificate with its key nor a token')
  if ((cert === undefined) !== (key === undefined))
    throw wrong(`${user.of} has a client certificate without its key, or a key without its certificate`)
  const ca = cluster.pem('certificate-authority')
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw wrong(`certificate-authority of ${cluster.of} contains no PEM certificate`)
  try {
    createSecureContext({ ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) })
  } catch (error) {
    throw wrong(`its certificates or key can't be used: ${messageOf(error)}`)
  }
  return { ...where, ca, cert, key, token, impersonate: readImpersonation(user, wrong), origin: file, files }
}

type Wrong = (why: string) => AgentError

const readNow: ReadFile = (path) => readFileSync(path, 'utf8')

/** For a kubeconfig that a node has handed out: what it names lies elsewhere, and files of this machine are none of its business. */
export const handedOut: ReadFile = () => {
  throw new Error('a kubeconfig from elsewhere must hold its certificates itself')
}

/** kubernetes/client-go tools/clientcmd/api/v1/types.go Cluster */
const clusterFields = [
  'server',
  'tls-server-name',
  'insecure-skip-tls-verify',
  'certificate-authority',
  'certificate-authority-data',
  'proxy-url',
  'disable-compression',
  'extensions',
]

/** kubernetes/client-go tools/clientcmd/api/v1/types.go AuthInfo */
const userFields = [
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
  'tokenFile',
  'as',
  'as-uid',
  'as-groups',
  'as-user-extra',
  'username',
  'password',
  'auth-provider',
  'exec',
  'extensions',
]

/** YAML makes numbers and yes or no of words without quotes. */
function isUnquoted(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

/** Misspellings of `as`: kubectl ignores them and acts with full rights. */
function refuseImpersonators(user: Fields, wrong: Wrong): void {
  const found = user.keys.find(
    (key) => !userFields.includes(key) && /^(impersonate|act-?as|as[-_]?(user|group|uid|extra))/i.test(key),
  )
  if (found !== undefined)
    throw wrong(
      `${found} of ${user.of} is not a kubeconfig field: impersonation is set with as, as-uid, as-groups and as-user-extra`,
    )
}

function refuseOtherLogins(user: Fields, wrong: Wrong): void {
  const instead = 'use one with a client certificate or a token'
  if (user.has('exec')) throw wrong(`${user.of} gets its credentials from a program: ${instead}`)
  if (user.has('auth-provider'))
    throw wrong(`${user.of} gets its credentials from a program (auth-provider): ${instead}`)
  if (user.text('username') !== undefined || user.text('password') !== undefined)
    throw wrong(`${user.of} logs in with a username and a password, which Kubernetes no longer supports: ${instead}`)
}

function readServer(cluster: Fields, wrong: Wrong): Pick<Access, 'server' | 'serverName'> {
  const server = cluster.text('server')
  if (server === undefined || !URL.canParse(server) || new URL(server).protocol !== 'https:')
    throw wrong('the cluster has no https server')
  if (new URL(server).username !== '' || new URL(server).password !== '')
    throw wrong(
      `the server of ${cluster.of} has a user in its URL, which is not supported: use a client certificate or a token`,
    )
  if (cluster.flag('insecure-skip-tls-verify'))
    throw wrong('insecure-skip-tls-verify is not supported: set certificate-authority instead')
  if (cluster.text('proxy-url') !== undefined)
    throw wrong(`${cluster.of} has a proxy-url, and proxies are not supported: set a server that is reachable directly`)
  const serverName = cluster.text('tls-server-name')
  if (serverName !== undefined && !/^[A-Za-z0-9.:_-]+$/.test(serverName))
    throw wrong(`tls-server-name of ${cluster.of} is neither a host name nor an IP address`)
  return { server: new URL(server), serverName }
}

function readImpersonation(user: Fields, wrong: Wrong): Impersonation | undefined {
  const name = user.text('as')
  const uid = user.text('as-uid')
  const groups = user.list('as-groups')
  const extra = user.lists('as-user-extra')
  if (name === undefined) {
    if (uid === undefined && groups.length === 0 && Object.keys(extra).length === 0) return undefined
    throw wrong(`${user.of} has as-uid, as-groups or as-user-extra but no \`as\`: set the user to impersonate`)
  }
  const texts = [name, uid ?? '', ...groups, ...Object.values(extra).flat()]
  if (texts.some((text) => /\p{Cc}/u.test(text)))
    throw wrong(`${user.of} impersonates a name, uid, group or extra that contains a control character`)
  return { user: name, uid, groups, extra }
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Whether the client certificate and its key stand in the kubeconfig itself, and not in files beside it. */
export function hasEmbeddedClient(text: string): boolean {
  const { path, document } = findUser(text)
  if (path === undefined) return false
  return ['client-certificate-data', 'client-key-data'].every((key) => {
    const data = document.getIn([...path, key])
    return typeof data === 'string' && data.trim() !== ''
  })
}

/**
 * The same kubeconfig with another client certificate, and everything else as it was, comments too. Afterwards nothing of
 * it depends on where it lies: certificates from files beside it stand in it.
 *
 * @throws AgentError `misconfigured`
 */
export function withClientCertificate(
  text: string,
  file: string,
  { cert, key, ca }: { readonly cert: string; readonly key: string; readonly ca: string | undefined },
): string {
  const { document, path, cluster } = findUser(text)
  if (path === undefined || cluster === undefined)
    throw new AgentError('misconfigured', `${file}: its user or its cluster was not found`)
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  try {
    for (const old of ['client-certificate', 'client-key']) document.deleteIn([...path, old])
    document.setIn([...path, 'client-certificate-data'], base64(cert))
    document.setIn([...path, 'client-key-data'], base64(key))
    if (ca !== undefined && document.hasIn([...cluster, 'certificate-authority'])) {
      document.deleteIn([...cluster, 'certificate-authority'])
      document.setIn([...cluster, 'certificate-authority-data'], base64(ca))
    }
  } catch {
    throw new AgentError(
      'misconfigured',
      `${file}: its user or its cluster is a YAML alias (*name): write it out to have it renewed`,
    )
  }
  return document.toString({ lineWidth: 0 })
}

/** Where the user and the cluster of the current context stand in the document. */
function findUser(text: string) {
  const { document, faults } = openYaml(text)
  const whole = asRecord(faults.length === 0 ? document.toJS() : undefined)
  const indexOf = (list: string, name: unknown) => {
    const entries = Array.isArray(whole[list]) ? whole[list].map(asRecord) : []
    const index = entries.findIndex((entry) => entry['name'] === name)
    return { index, entry: entries[index] }
  }
  const context = asRecord(indexOf('contexts', whole['current-context']).entry?.['context'])
  const [user, cluster] = [indexOf('users', context['user']).index, indexOf('clusters', context['cluster']).index]
  return {
    document,
    path: user < 0 ? undefined : ['users', user, 'user'],
    cluster: cluster < 0 ? undefined : ['clusters', cluster, 'cluster'],
  }
}

/** The groups of a client certificate: its subject's organizations. */
export function groupsOf(cert: string): readonly string[] {
  return organizationsOf(new X509Certificate(cert).subject)
}
