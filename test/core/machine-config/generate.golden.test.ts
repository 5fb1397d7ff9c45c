import { describe, expect, test } from 'vitest'
import type { ConfigDocument } from '../../../src/core/machine-config/document.ts'
import { generateConfig } from '../../../src/core/machine-config/generate.ts'
import type { Contract } from '../../../src/core/machine-config/origin.ts'
import { applyPatches, parsePatch } from '../../../src/core/machine-config/patch.ts'
import { readSecrets, secretsOf } from '../../../src/core/machine-config/secrets.ts'
import { parseTrees, parseYaml } from '../../../src/yaml.ts'
import { type Golden, goldenCases, goldenSecrets, hasGolden, readConfig } from './golden.ts'

const roles = ['controlplane', 'worker'] as const

/** What each tool takes where nothing is said. */
const usual: Readonly<Record<string, { readonly installer: string; readonly kubernetes: string }>> = {
  '1.12': { installer: 'ghcr.io/siderolabs/installer:v1.12.0', kubernetes: '1.35.0' },
  '1.14': {
    installer:
      'factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.14.1',
    kubernetes: '1.37.0',
  },
}

/** The contract of a case: that of the tool, unless it was asked for another. 1.12.0 takes 1.13 for its own. */
function contractOf({ name, minor, command }: Golden): Contract {
  const asked = /--talos-version v(\d+\.\d+)/.exec(command)?.[1] ?? minor
  const contract = name.endsWith('cni-none-contract-1.13') ? '1.13' : asked
  return (minor === '1.12' ? '1.12' : contract) as Contract
}

function configOf(golden: Golden, role: (typeof roles)[number]) {
  const { command, minor } = golden
  const option = (name: string) => new RegExp(`--${name} (\\S+)`).exec(command)?.[1]
  const contract = contractOf(golden)
  const config = generateConfig(
    {
      role,
      secrets: readSecrets(parseYaml(goldenSecrets(), 'secrets.yaml'), 'secrets.yaml'),
      cluster: { name: 'homelab', endpoint: 'https://192.168.0.2:6443' },
      kubernetes: option('kubernetes-version') ?? usual[minor]!.kubernetes,
      disk: '/dev/nvme0n1',
      installer: option('install-image') ?? usual[minor]!.installer,
      discovery: !command.includes('--with-cluster-discovery=false'),
    },
    contract,
  )
  const onlyFor = (file: string) => !file.includes('controlplane') || role === 'controlplane'
  const files = golden.name.endsWith('/roles')
    ? ['input.all.yaml', `input.${role}.yaml`]
    : golden.has('input.patch.yaml') && onlyFor(command.includes('--config-patch-control-plane') ? 'controlplane' : '')
      ? ['input.patch.yaml']
      : []
  const patches = files.map((file) => {
    const trees = parseTrees(golden.read(file), file).map(({ tree }) => tree)
    const { patch, faults } = parsePatch(trees, [minor])
    expect(faults).toEqual([])
    return patch
  })
  return applyPatches(config, patches, [minor])
}

/** The tool writes settings of `cluster.network` that nobody has set. */
function withoutUnset(document: ConfigDocument): ConfigDocument {
  const { cluster } = document
  if (typeof cluster !== 'object' || cluster === null || !('network' in cluster)) return document
  const set = Object.entries(cluster.network as object).filter(([, value]) => value !== '' && String(value) !== '')
  return { ...document, cluster: { ...cluster, network: Object.fromEntries(set) } }
}

const cases = hasGolden ? goldenCases('*').filter(({ has }) => has('output.worker.yaml')) : []

describe.skipIf(!hasGolden)(
  'what talosctl gen config makes (skipped where its outputs are not beside the project)',
  () => {
    test.each(cases.flatMap((golden) => roles.map((role) => ({ ...golden, role, golden }))))(
      '$name of a $role is made alike',
      ({ golden, role }) => {
        const made = readConfig(golden.read(`output.${role}.yaml`), golden.minor)
        expect(configOf(golden, role)).toEqual(made.map(withoutUnset))
      },
    )

    test.each(cases)('the secrets of $name are found in the configuration of its control plane', (golden) => {
      const config = readConfig(golden.read('output.controlplane.yaml'), golden.minor)
      const secrets = readSecrets(parseYaml(goldenSecrets(), 'secrets.yaml'), 'secrets.yaml')
      expect(secretsOf(config, 'cp-1')).toEqual(secrets)
      expect(() => secretsOf(readConfig(golden.read('output.worker.yaml'), golden.minor), 'w-1')).toThrow(
        'w-1 is not the configuration of a control plane',
      )
    })
  },
)
