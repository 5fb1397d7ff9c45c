import { describe, expect, test } from 'vitest'
import { ofKind, valueAt } from '../../../src/core/machine-config/document.ts'
import type { MachineOrder } from '../../../src/core/provision/machine.ts'
import { controlPlane, read, render, rendererOf, usualInstall, withNut, worker, type Written } from './rendered.ts'

const kernelModule = 'machine: { kernel: { modules: [{ name: nvidia }] } }'

describe('the configuration of a machine', () => {
  test('is in the words that both the release it has booted and the one it installs read', async () => {
    const made = await render({}, worker, 'v1.13.9')
    expect(made.contract).toBe('1.13')
    expect(made.installs).toEqual({ version: 'v1.14.1', schematic: expect.stringMatching(/^ca3f/) as string })
    expect(read(made.text, '1.13').map(({ kind = 'v1alpha1' }) => kind)).toEqual(['v1alpha1', 'HostnameConfig'])
    const next = await render({}, worker, 'v1.14.0')
    expect(next.contract).toBe('1.14')
    expect(read(next.text, '1.14')).toHaveLength(15)
  })

  test('without a word on what it has booted is for what machines boot from the network', async () => {
    expect((await render({})).contract).toBe('1.13')
    const unseen = await render({ facts: { published: undefined } })
    expect(unseen.contract).toBe('1.14')
    expect(unseen.warnings).toEqual([expect.stringContaining('which release it has booted is not known') as string])
  })

  test('has its name, its labels, and the image that is wanted', async () => {
    const order = { ...worker, labels: { gpu: 'nvidia' } }
    for (const booted of ['v1.13.9', 'v1.14.1']) {
      const { text } = await render({}, order, booted)
      const config = read(text, booted.slice(1, 5))
      expect(ofKind(config, 'HostnameConfig')).toMatchObject({ auto: 'off', hostname: 'worker-2' })
      const image = valueAt(config[0], 'machine', 'install', 'image')
      expect(image ?? valueAt(ofKind(config, 'UnattendedInstallConfig'), 'installer', 'image')).toBe(
        'factory.talos.dev/metal-installer/ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595:v1.14.1',
      )
      const labels = valueAt(config[0], 'machine', 'nodeLabels') ?? ofKind(config, 'KubeNodeConfig')?.['labels']
      expect(labels).toEqual({ gpu: 'nvidia' })
    }
  })

  test('names secrets that are nowhere but in it, whatever they hold', async () => {
    const made = await render(withNut)
    const config = read(made.text, '1.13')
    const [file] = ofKind(config, 'ExtensionServiceConfig')!['configFiles'] as readonly { content: string }[]
    expect(file!.content).toBe(
      'MONITOR ups@192.168.0.6 1 monuser canary "of: the\nups secondary\nSHUTDOWNCMD "/sbin/poweroff"',
    )
    expect(made.masked).toContain('MONITOR ups@192.168.0.6 1 monuser (secret) secondary')
    expect(made.diff).toContain(
      '+      MONITOR ups@192.168.0.6 1 monuser (secret) secondary'.replace('+      ', '+          '),
    )
  })

  test.each([
    {
      asks: 'has no secrets of a cluster to be made from',
      written: { secrets: undefined },
      why: 'caretaker machine secrets FILE',
    },
    {
      asks: 'needs an endpoint',
      written: { facts: { endpoint: undefined } },
      why: 'machineConfig.endpoint is not set',
    },
    {
      asks: 'needs a version of Kubernetes',
      written: { facts: { kubernetes: undefined } },
      why: 'machineConfig.kubernetes is not set',
    },
    {
      asks: 'needs a release',
      written: { facts: { target: undefined, published: undefined } },
      why: 'no release is staged or decided on yet',
    },
    {
      asks: 'needs a schematic',
      written: { facts: { schematic: { name: 'gpu', id: undefined, isTold: false } } },
      why: 'there is no schematic gpu',
    },
    {
      asks: 'needs an installer that its registry can serve',
      written: { facts: { schematic: { name: 'gpu', id: 'b'.repeat(64), isTold: false } } },
      why: 'factory.talos.dev was not told of schematic gpu',
    },
    {
      asks: 'needs a release that runs this Kubernetes',
      written: { facts: { kubernetes: 'v1.37.0' } },
      why: 'version of Kubernetes 1.37.0 is too new to be used with Talos 1.13.9',
    },
    {
      asks: 'can be installed from what has booted',
      written: { facts: { published: 'v1.11.2' } },
      why: 'v1.14.1 upgrades from v1.12.0 or later',
    },
    {
      asks: 'is made for Talos 1.12 and later',
      written: { facts: { published: 'v1.11.2', target: 'v1.11.3', kubernetes: 'v1.33.0' } },
      why: 'machine configurations are made for 1.12 and later',
    },
    {
      asks: 'installs where it is told, and guesses nothing',
      written: { machines: '' },
      why: 'machine.install needs a disk or a diskSelector',
    },
  ] satisfies readonly { asks: string; written: Written; why: string }[])('$asks', async ({ written, why }) => {
    await expect(render(written)).rejects.toThrow(why)
  })

  test('says everything that is missing at once', async () => {
    const failure = await render({ secrets: undefined, facts: { endpoint: undefined } }).catch(
      (error: unknown) => error,
    )
    expect(String(failure)).toMatch(/machine secrets[\s\S]*machineConfig\.endpoint/)
  })
})

describe('a patch', () => {
  const machines = `${usualInstall}patches:
  - all.yaml
  - { file: gpu.yaml, for: { labels: { gpu: nvidia } } }
  - { file: workers.yaml, for: { role: worker } }
`
  const files = {
    'all.yaml': 'debug: true',
    'gpu.yaml': kernelModule,
    'workers.yaml': 'machine: { sysctls: { a: b } }',
    'more.yaml': 'persist: false',
  }

  test('is applied where the role and the labels select it, in the order of the file, and then what the machine asks for', async () => {
    const patches = async (order: MachineOrder) => (await render({ machines, files }, order)).patches
    expect(await patches(worker)).toEqual(['all.yaml', 'workers.yaml'])
    expect(await patches({ ...worker, labels: { gpu: 'nvidia' }, patches: ['more.yaml', 'all.yaml'] })).toEqual([
      'all.yaml',
      'gpu.yaml',
      'workers.yaml',
      'more.yaml',
    ])
    expect(await patches(controlPlane)).toEqual(['all.yaml'])
  })

  test('that is not there is named, with what may be meant', async () => {
    await expect(render({ machines, files }, { ...worker, patches: ['mor.yaml'] })).rejects.toThrow(
      'there is no patch mor.yaml; did you mean more.yaml?',
    )
  })

  test('with a fault is told by its file, its line and its setting', async () => {
    const failure = await render({
      machines: `${usualInstall}patches: [a.yaml]`,
      files: { 'a.yaml': 'machine:\n  kernel:\n    modulse: []\n' },
    }).catch((error: unknown) => error)
    expect(String(failure)).toContain(
      'a.yaml:3:5: machine.kernel.modulse: is not a setting that Talos knows; did you mean modules?',
    )
  })

  const only = (text: string) => ({ machines: `${usualInstall}patches: [a.yaml]`, files: { 'a.yaml': text } })
  test.each([
    {
      what: 'a JSON patch',
      text: '[{ op: replace, path: /debug, value: true }]',
      why: 'a.yaml: a JSON patch needs a machine configuration of one document',
    },
    {
      what: 'another hostname',
      text: 'apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: other',
      why: 'a patch changes the hostname: it is worker-2',
    },
    {
      what: 'another role',
      text: 'machine: { type: controlplane }',
      why: 'a patch changes machine.type: it is to be a worker',
    },
    {
      what: 'a document of control planes',
      text: 'apiVersion: v1alpha1\nkind: KubeSpanConfig\nenabled: true\n---\nmachine: { network: { interfaces: [{ interface: eth0, vlans: [{ vlanId: 4, vip: { ip: 192.168.4.2 } }] }] } }',
      why: 'virtual (shared) IP is not allowed on non-controlplane nodes',
    },
    {
      what: 'a setting that Talos gives kubelet',
      text: 'machine: { kubelet: { extraConfig: { protectKernelDefaults: false } } }',
      why: `kubelet configuration field "protectKernelDefaults" can't be overridden`,
    },
    {
      what: 'a label that is none',
      text: 'machine: { nodeLabels: { -gpu: x } }',
      why: 'invalid machine node labels: -gpu is not the name of a label',
    },
    {
      what: 'what is not there to delete',
      text: 'machine: { sysctls: { a: { $patch: delete } } }',
      why: 'there is nothing to delete',
    },
  ])('with $what is refused', async ({ text, why }) => {
    await expect(render(only(text))).rejects.toThrow(why)
  })

  test.each([
    {
      what: 'takes the installation away',
      text: 'apiVersion: v1alpha1\nkind: UnattendedInstallConfig\n$patch: delete',
      why: 'install instructions are required in "metal" mode',
    },
    {
      what: 'says it in the words of before',
      text: 'machine: { install: { disk: /dev/nvme0n1 } }',
      why: 'UnattendedInstallConfig config is incompatible with v1alpha1 config',
    },
    {
      what: 'takes the selector of the disk away',
      text: 'apiVersion: v1alpha1\nkind: UnattendedInstallConfig\nprovisioning: { diskSelector: { $patch: delete } }',
      why: 'provisioning.diskSelector.match is required',
    },
  ])('that $what of Talos 1.14 is refused', async ({ text, why }) => {
    await expect(render(only(text), worker, 'v1.14.1')).rejects.toThrow(why)
  })

  test('that takes the encryption of Secrets away is refused', async () => {
    const text = 'apiVersion: v1alpha1\nkind: KubeEtcdEncryptionConfig\n$patch: delete'
    await expect(render(only(text), controlPlane, 'v1.14.1')).rejects.toThrow('etcd encryption config is required')
  })

  test.each([
    {
      what: 'deletes kube-proxy, which does not stop it',
      text: 'apiVersion: v1alpha1\nkind: KubeProxyConfig\n$patch: delete',
      said: 'kube-proxy runs all the same',
    },
    {
      what: 'changes what the whole cluster has in common',
      text: 'machine: { token: other.0123456789abcdef }',
      said: 'a patch changes machine.token',
    },
  ])('that $what is told before it is approved', async ({ text, said }) => {
    const { warnings } = await render(only(text), controlPlane, 'v1.14.1')
    expect(warnings).toEqual([expect.stringContaining(said) as string])
  })
})

test('what a machine is written as is found by what it says, and nothing is found by half', () => {
  const renderer = rendererOf({
    machines: `machines:
  - { name: worker-1, match: { mac: '00:1B:21:3A:4F:5C' }, role: worker }
  - { name: worker-2, match: { mac: 00-1b-21-3a-4f-5d, uuid: 4C4C4544-0042-3510-8052-b4c04f4b4d32 }, way: plain }
`,
  })
  const uuid = '4c4c4544-0042-3510-8052-b4c04f4b4d32'
  expect(renderer.match({ mac: '00:1b:21:3a:4f:5c' })).toMatchObject({ name: 'worker-1', role: 'worker' })
  expect(renderer.match({ uuid })).toMatchObject({ name: 'worker-2', way: 'plain' })
  // Somebody with the address of one and the UUID of another is neither.
  expect(renderer.match({ mac: '00:1b:21:3a:4f:5d', uuid: uuid.replace('4', '5') })).toBeUndefined()
  expect(renderer.match({})).toBeUndefined()
  expect(renderer.named('worker-2')).toMatchObject({ labels: {}, patches: [] })
  expect(renderer.choices()).toEqual({ machines: ['worker-1', 'worker-2'], patches: [] })
})
