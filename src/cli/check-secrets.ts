import { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { whyUnknownHost, whyUnusableKey } from '../adapters/machines/ssh-files.ts'
import { parseSecureOn } from '../adapters/machines/packet.ts'
import type { SecretSource } from '../config/scalars.ts'
import { doubtful, type Mistake, wrong } from '../config/mistake.ts'
import { dayOf } from '../core/certificate-life.ts'
import { messageOf } from '../core/errors.ts'
import { certificatesIn } from '../core/pem.ts'
import { readText } from '../main/file-gate.ts'
import type { Settings } from '../main/settings.ts'
import { attempt, exposureOf, type Findings } from './findings.ts'

type Path = Mistake['path']

/**
 * Everything that must stay secret and what proves who others are: passwords, tokens, keys, CAs, wherever `raw`, the
 * configuration as it is written, names them.
 */
export async function checkSecrets(settings: Settings, raw: unknown, user: number): Promise<Findings> {
  const share = settings.path(settings.config.share.directory)
  const checks = [
    ...secretsIn(raw, []).map(({ path, source }) => checkSecret(settings, share, path, source)),
    ...authoritiesIn(raw, []).map(({ path, file }) => checkAuthority(path, settings.path(file))),
    ...loginsIn(raw).flatMap(({ path, address, key, knownHosts, port }) => [
      ...(typeof key === 'string' ? [checkKey([...path, 'key'], settings.path(key), { share, user })] : []),
      ...(typeof knownHosts === 'string'
        ? [checkKnownHosts([...path, 'knownHosts'], settings.path(knownHosts), { address, port })]
        : []),
    ]),
  ]
  return (await Promise.all(checks)).flat()
}

/** Every `{ file: … }` and `{ env: … }`, wherever a section has one. */
function secretsIn(value: unknown, path: Path): readonly { readonly path: Path; readonly source: SecretSource }[] {
  if (typeof value !== 'object' || value === null) return []
  const [only, ...others] = Object.entries(value)
  if (only && others.length === 0 && ['file', 'env'].includes(only[0]) && typeof only[1] === 'string')
    return [{ path, source: value as SecretSource }]
  return entriesOf(value).flatMap(([key, one]) => secretsIn(one, [...path, key]))
}

interface FoundLogin {
  readonly path: Path
  readonly address: string | undefined
  readonly port: number
  readonly key: unknown
  readonly knownHosts: unknown
}

/** How hosts are logged in to by SSH. */
function loginsIn(raw: unknown): readonly FoundLogin[] {
  const { hosts } = Object(raw) as { hosts?: unknown }
  return (Array.isArray(hosts) ? hosts : []).flatMap((host, index): FoundLogin[] => {
    const { address, shutdown } = Object(host) as { address?: unknown; shutdown?: unknown }
    const { ssh } = Object(shutdown) as { ssh?: unknown }
    if (typeof ssh !== 'object' || ssh === null) return []
    const { key, knownHosts, port } = ssh as Record<string, unknown>
    return [
      {
        path: ['hosts', index, 'shutdown', 'ssh'],
        address: typeof address === 'string' ? address : undefined,
        port: typeof port === 'number' ? port : 22,
        key,
        knownHosts,
      },
    ]
  })
}

function checkKnownHosts(path: Path, file: string, { address, port }: Pick<FoundLogin, 'address' | 'port'>) {
  return attempt(path, async () => {
    const text = await readText(file)
    const why = address === undefined ? undefined : whyUnknownHost(text, address, port)
    if (why !== undefined) throw new Error(`${file}: ${why}`)
  })
}

/** Every `ca: FILE`. An authority of our own is in no file of anybody's. */
function authoritiesIn(value: unknown, path: Path): readonly { readonly path: Path; readonly file: string }[] {
  if (typeof value !== 'object' || value === null || path.join('.') === 'machineConfig.tls') return []
  return entriesOf(value).flatMap(([key, one]) =>
    key === 'ca' && typeof one === 'string'
      ? [{ path: [...path, key], file: one }]
      : authoritiesIn(one, [...path, key]),
  )
}

function entriesOf(value: object): readonly (readonly [string | number, unknown])[] {
  return Array.isArray(value) ? [...value.entries()] : Object.entries(value)
}

async function checkSecret(settings: Settings, share: string, path: Path, source: SecretSource): Promise<Findings> {
  let secret: string
  try {
    secret = await settings.readSecret(source, 'it')
  } catch (error) {
    return [wrong(path, messageOf(error).replace(/^it: /, ''))]
  }
  const file = 'file' in source ? settings.path(source.file) : `$${source.env}`
  const found: Mistake[] = []
  // Of a command's environment any text may be meant.
  if (!path.includes('environment') && /[\p{Cc}\uFEFF]/u.test(secret))
    found.push(wrong(path, `${file} has a line break or another control character in it: a secret is one line`))
  else if (secret !== secret.trim())
    found.push(doubtful(path, `${file} begins or ends with a space, which counts as part of the secret`))
  if (path.at(-1) === 'secureOn' && parseSecureOn(secret.trim()) === undefined)
    found.push(
      wrong(path, `${file} holds no SecureOn password: write six bytes as a MAC address, or four as an IPv4 address`),
    )
  return 'file' in source ? [...found, ...(await exposureOf(path, file, share))] : found
}

async function checkKey(path: Path, file: string, { share, user }: { share: string; user: number }): Promise<Findings> {
  const found = await attempt(path, async () => {
    const why = whyUnusableKey(await readText(file))
    if (why !== undefined) throw new Error(`${file}: ${why}`)
  })
  const info = await stat(file).catch(() => undefined)
  const exposed = await exposureOf(path, file, share)
  // OpenSSH looks at the mode where the file is its own user's (sshkey_perm_ok in authfile.c).
  if (!info || info.uid !== user || (info.mode & 0o077) === 0) return [...found, ...exposed]
  const refused = wrong(path, `ssh refuses ${file} because others can read it: run \`chmod 600 ${file}\``)
  return [...found, refused, ...exposed.filter(({ severity }) => severity === 'error')]
}

/** A CA that can't be read, or has ended, trusts nobody. */
function checkAuthority(path: Path, file: string): Promise<Findings> {
  return attempt(path, async () => {
    const blocks = certificatesIn(await readText(file))
    if (blocks.length === 0) throw new Error(`${file} contains no PEM certificate`)
    const ends = blocks.map((block) => {
      try {
        return new X509Certificate(block).validToDate.getTime()
      } catch {
        throw new Error(`${file} contains a certificate that is damaged`)
      }
    })
    const last = Math.max(...ends)
    if (last <= Date.now()) throw new Error(`the certificate in ${file} expired on ${dayOf(last)}: get the present one`)
  })
}
