import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import { decodeDocument } from '../../core/machine-config/decode.ts'
import { readSecrets, secretsOf, type SecretsBundle } from '../../core/machine-config/secrets.ts'
import { isMapping, type Value } from '../../core/machine-config/tree.ts'
import { certificatesIn } from '../../core/pem.ts'
import type { SecretsMeans, SecretsStore } from '../../operations/provision/secrets-request.ts'
import { documentsText, parseTrees, parseYaml } from '../../yaml.ts'
import { isMissingFile, readText } from '../file-gate.ts'
import { writeSecret } from '../replace-file.ts'

/** The name of the bundle in the state directory. */
export const secretsFile = 'machine-secrets.yaml'

const damaged =
  'the secrets of the cluster are damaged: import them again with `caretaker machine secrets FILE --replace`'

/** The secrets of the cluster, in a file of the state directory that only our user reads. */
export function createSecretsStore(state: string): SecretsStore {
  const file = join(state, secretsFile)
  return {
    read: async () => {
      const text = await readText(file).catch((error: unknown) => {
        if (isMissingFile(error)) return undefined
        throw error
      })
      if (text === undefined) return undefined
      try {
        return readSecrets(parseYaml(text, 'it'), 'it')
      } catch (error) {
        throw new AgentError('malformed', `${file}: ${damaged} (${messageOf(error)})`, error)
      }
    },
    write: (bundle) => writeSecret(file, documentsText([bundle as unknown as Value])),
  }
}

/** What requests about the secrets are carried out with. */
export function secretsMeans(store: SecretsStore, world: { authority(): Promise<string> }): SecretsMeans {
  return {
    store,
    parse: (text) => parseBundle(text, 'the file'),
    isOfCluster: async (bundle) => {
      const authority = await world.authority().catch(() => undefined)
      return authority === undefined ? undefined : isOfCluster(bundle, authority)
    },
  }
}

/**
 * The secrets in a text: `secrets.yaml` of talosctl, or the configuration of a control plane. No error shows anything of it.
 *
 * @throws AgentError `malformed`, `misconfigured`
 */
export function parseBundle(text: string, what: string): SecretsBundle {
  const trees = parseTrees(text, what).map(({ tree }) => tree)
  const [first] = trees
  if (trees.length === 1 && isMapping(first ?? '') && 'certs' in (first as object) && 'trustdinfo' in (first as object))
    return readSecrets(parseYaml(text, what), what)
  const config = trees.map((tree) => decodeDocument(tree, []))
  const [fault] = config.flatMap(({ faults }) => faults)
  if (fault)
    throw new AgentError(
      'malformed',
      `${what} is neither a secrets bundle (\`talosctl gen secrets\`) nor the configuration of a control plane: ${[fault.path.join('.'), fault.why].filter((part) => part !== '').join(' ')}`,
    )
  return secretsOf(
    config.map(({ value }) => value),
    what,
  )
}

/** Whether a bundle has the authority of these certificates, PEM; undefined where that can't be told. */
export function isOfCluster({ certs }: SecretsBundle, ca: string): boolean | undefined {
  try {
    const own = new X509Certificate(atob(certs.os.crt)).fingerprint256
    const blocks = certificatesIn(ca)
    return blocks.length === 0 ? undefined : blocks.some((block) => new X509Certificate(block).fingerprint256 === own)
  } catch {
    return undefined
  }
}
