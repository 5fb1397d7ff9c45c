/** Texts that are nearly patches: documents that Talos knows and others, in any order, broken here and there. */

export type Random = () => number

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const keys = [
  'machine',
  'cluster',
  'debug',
  'persist',
  'version',
  'kind',
  'apiVersion',
  'name',
  'type',
  'token',
  'ca',
  'crt',
  'key',
  'kubelet',
  'network',
  'interfaces',
  'interface',
  'vlans',
  'vlanId',
  'addresses',
  'vip',
  'ip',
  'install',
  'disk',
  'image',
  'wipe',
  'sysctls',
  'env',
  'nodeLabels',
  'certSANs',
  'files',
  'content',
  'path',
  'registries',
  'config',
  'auth',
  'password',
  'etcd',
  'apiServer',
  'extraArgs',
  'admissionControl',
  'configuration',
  'inlineManifests',
  'contents',
  'hostname',
  'auto',
  'labels',
  'taints',
  'configFiles',
  'mountPath',
  'environment',
  'provisioning',
  'diskSelector',
  'match',
  '$patch',
  'op',
  'value',
  '__proto__',
  'constructor',
  'toString',
  '-',
  '0',
  '',
  'ключ',
]
const scalars = [
  '1',
  '0',
  '-1',
  '1.5',
  '0x1f',
  'true',
  'off',
  '~',
  'null',
  "''",
  '"x"',
  'delete',
  'worker',
  'controlplane',
  'v1alpha1',
  'eth0',
  '10.0.0.0/8',
  'https://a:6443',
  '{{ nut-password }}',
  '"a {{ nut-password }} b"',
  '168h',
  '!!binary aGk=',
  '*x',
  '&x y',
  '|\n  text',
  '2026-11-27',
  '9007199254740993',
  '.inf',
  '"\\u0000"',
  '🚀',
  '@',
  '%',
  '`',
]
/** Those that are YAML wherever they stand. */
const plain = scalars.slice(0, 21)

const kinds = [
  'HostnameConfig',
  'ExtensionServiceConfig',
  'KubeProxyConfig',
  'UnattendedInstallConfig',
  'KubeNodeConfig',
  'KubeletConfig',
  'LinkConfig',
  'RegistryMirrorConfig',
  'VolumeConfig',
  'KubeAuthorizerConfig',
  'WireguardConfig',
  'Nonsense',
  'v1alpha1',
  'KubeEtcdEncryptionConfig',
]

/** A text of one to three documents. */
export function randomPatch(random: Random): string {
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!
  const value = (depth: number): string => {
    const chance = random()
    if (depth > 5 || chance < 0.35) return pick(random() < 0.9 ? plain : scalars)
    const many = Math.floor(random() * 4)
    if (chance < 0.55) return `[${Array.from({ length: many }, () => value(depth + 1)).join(', ')}]`
    return map(depth, many)
  }
  const map = (depth: number, many: number): string =>
    `{ ${Array.from(new Set(Array.from({ length: many }, () => pick(keys))), (key) => `${JSON.stringify(key)}: ${value(depth + 1)}`).join(', ')} }`
  const likely = (): string =>
    pick([
      () => `machine: ${map(1, 3)}`,
      () => `cluster: ${map(1, 3)}`,
      () => `apiVersion: v1alpha1\nkind: ${pick(kinds)}\n${pick(keys.slice(7))}: ${value(1)}`,
      () => `apiVersion: v1alpha1\nkind: ${pick(kinds)}\n$patch: delete`,
      () => `machine:\n  network:\n    interfaces:\n      - interface: ${pick(scalars)}\n        vlans: ${value(2)}`,
      () => `machine: { nodeLabels: ${map(2, 2)}, sysctls: ${map(2, 2)} }`,
      () => `[{ op: ${pick(['add', 'remove', 'test', 'x'])}, path: /${pick(keys)}, value: ${value(2)} }]`,
      () => value(0),
    ])()
  const whole = Array.from({ length: 1 + Math.floor(random() * 3) }, likely).join('\n---\n')
  if (random() < 0.9) return whole
  // Cut off, or with something in it that does not belong there.
  const at = Math.floor(random() * whole.length)
  return random() < 0.5
    ? whole.slice(0, at)
    : `${whole.slice(0, at)}${pick(['\t', '\u0000', '}', '"', '\n---\n', ': '])}${whole.slice(at)}`
}
