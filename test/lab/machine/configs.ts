import { stringify } from 'yaml'
import { generateConfig } from '../../../src/core/machine-config/generate.ts'
import { readSecrets } from '../../../src/core/machine-config/secrets.ts'
import { homelabSchematicId, type Homelab } from '../homelab.ts'

/** What a machine of a lab gets: the text of a whole configuration. */
export async function configFor(
  lab: Homelab,
  given: {
    readonly name: string
    readonly role?: 'controlplane' | 'worker'
    readonly disk?: string
    readonly version?: string
    readonly installer?: string
  },
): Promise<string> {
  const { name, role = 'worker', disk = '/dev/sda', version = lab.admission.version } = given
  const host = new URL(lab.factory.url).host
  const documents = generateConfig(
    {
      role,
      secrets: readSecrets(JSON.parse(await lab.secrets()), 'the secrets of the lab'),
      cluster: { name: 'lab', endpoint: `https://${lab.nodes[0]!.address}:6443` },
      kubernetes: '1.36.3',
      disk,
      installer: given.installer ?? `${host}/metal-installer/${homelabSchematicId}:${version}`,
      discovery: true,
    },
    '1.13',
  )
  const named = documents.map((document) =>
    document['kind'] === 'HostnameConfig'
      ? { apiVersion: 'v1alpha1', kind: 'HostnameConfig', auto: 'off', hostname: name }
      : document,
  )
  return named.map((document) => stringify(document)).join('---\n')
}
