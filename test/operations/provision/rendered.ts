import { parseMachines } from '../../../src/config/machines.ts'
import { readPatchFile } from '../../../src/config/patch-file.ts'
import { expect } from 'vitest'
import { decodeDocument } from '../../../src/core/machine-config/decode.ts'
import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import type { SecretsBundle } from '../../../src/core/machine-config/secrets.ts'
import type { MachinesFolder } from '../../../src/core/provision/machines-file.ts'
import type { MachineOrder } from '../../../src/core/provision/machine.ts'
import { type ClusterFacts, createRenderer } from '../../../src/operations/provision/renderer.ts'
import { documentsText, parseTrees } from '../../../src/yaml.ts'

const pem = (label: string, body: string) => btoa(`-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`)
const pair = (name: string, label = 'EC PRIVATE KEY') => ({
  crt: pem('CERTIFICATE', `certificate-of-${name}`),
  key: pem(label, `canary-key-of-${name}-0123456789`),
})

/** Secrets of no cluster: what must not be seen says `canary`. */
export const testSecrets: SecretsBundle = {
  cluster: { id: btoa('canary-cluster-id'), secret: btoa('canary-cluster-secret') },
  secrets: { bootstraptoken: 'canary.0123456789abcdef', secretboxencryptionsecret: btoa('canary-secretbox-secret') },
  trustdinfo: { token: 'trustd.canary6789abcdef' },
  certs: {
    etcd: pair('etcd'),
    k8s: pair('k8s'),
    k8saggregator: pair('aggregator'),
    k8sserviceaccount: { key: pem('RSA PRIVATE KEY', 'canary-service-account-0123456789') },
    os: pair('os', 'ED25519 PRIVATE KEY'),
  },
}

export const testFacts: ClusterFacts = {
  cluster: 'homelab',
  endpoint: 'https://192.168.0.2:6443',
  kubernetes: 'v1.36.3',
  discovery: true,
  registry: 'factory.talos.dev',
  schematic: { name: 'homelab', id: 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595', isTold: true },
  secureBoot: false,
  published: 'v1.13.9',
  target: 'v1.14.1',
}

export interface Written {
  /** The text of machines.yaml. */
  readonly machines?: string
  /** The texts of the other files, by their names. */
  readonly files?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, string>>
  readonly facts?: Partial<ClusterFacts>
  readonly secrets?: SecretsBundle | undefined
}

export const usualInstall = 'install: { disk: /dev/disk/by-id/nvme-Samsung_SSD_980_S64DNX0R }\n'

/** A folder as it is read. @throws AgentError with what is wrong */
function folderOf({ machines = usualInstall, files = {}, values = {} }: Written): MachinesFolder {
  const { values: named, ...file } = parseMachines(machines, 'machines.yaml')
  const names = [...new Set([...Object.keys(named), ...Object.keys(values)])]
  return {
    file,
    patches: new Map(Object.entries(files).map(([name, text]) => [name, readPatchFile(text, name, names)])),
    values: new Map(Object.entries(values)),
    warnings: [],
  }
}

/** A renderer of what is written. */
export function rendererOf(written: Written = {}) {
  const folder = folderOf(written)
  return createRenderer({
    folder: { last: folder, current: async () => folder },
    secrets: async () => ('secrets' in written ? written.secrets : testSecrets),
    facts: async () => ({ ...testFacts, ...written.facts }),
    write: documentsText,
  })
}

export const worker: MachineOrder = { name: 'worker-2', role: 'worker', labels: {}, patches: [] }
export const controlPlane: MachineOrder = { name: 'cp-2', role: 'controlplane', labels: {}, patches: [] }

/** A configuration as a node of this release reads it. */
export function read(text: string, minor: string): MachineConfig {
  return parseTrees(text, 'the configuration').map(({ tree }) => {
    const { value, faults } = decodeDocument(tree, [minor])
    expect(faults).toEqual([])
    return value
  })
}

/** What is written, for a machine of which nothing is known but what it is to become. */
export function render(written: Written, order: MachineOrder = worker, booted?: string) {
  return rendererOf(written).render(order, {}, booted)
}

/** The seed's own patch. */
export const nutClient = `apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: nut-client
configFiles:
  - content: |-
      MONITOR ups@192.168.0.6 1 monuser {{ nut-password }} secondary
      SHUTDOWNCMD "/sbin/poweroff"
    mountPath: /usr/local/etc/nut/upsmon.conf
`
export const withNut: Written = {
  machines: `${usualInstall}patches: [nut-client.yaml]\n`,
  files: { 'nut-client.yaml': nutClient },
  values: { 'nut-password': 'canary "of: the\nups' },
}
