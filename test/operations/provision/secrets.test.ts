import { describe, expect, test } from 'vitest'
import { secretsIn } from '../../../src/core/provision/mask.ts'
import { controlPlane, nutClient, render, testSecrets, usualInstall, withNut, worker } from './rendered.ts'

describe('secrets', () => {
  const canaries = [...secretsIn(testSecrets), 'canary "of: the', 'canary-in-a-patch']
  const leaks = (text: string) => canaries.filter((one) => text.includes(one))

  test('of the bundle, of values and in settings for secrets are in no text for people', async () => {
    const files = {
      'nut-client.yaml': nutClient,
      'wireguard.yaml':
        'machine: { network: { interfaces: [{ interface: wg0, wireguard: { privateKey: canary-in-a-patch } }] } }',
      'registry.yaml':
        'machine: { registries: { config: { ghcr.io: { auth: { username: me, password: canary-in-a-patch } } } } }',
      'echo.yaml': `cluster: { inlineManifests: [{ name: x, contents: "token ${testSecrets.trustdinfo.token} ca ${testSecrets.certs.os.key}" }] }`,
      'pem.yaml': `machine:\n  files:\n    - path: /var/x\n      op: create\n      content: |\n${atob(testSecrets.certs.k8s.key).replaceAll(/^/gm, '        ')}\n`,
    }
    const written = { ...withNut, machines: `${usualInstall}patches: [${Object.keys(files).join(', ')}]`, files }
    for (const order of [worker, controlPlane]) {
      const made = await render(written, order, 'v1.13.9')
      expect(leaks(made.text).length).toBeGreaterThan(3)
      expect(leaks(made.masked)).toEqual([])
      expect(leaks(made.diff)).toEqual([])
    }
    const native = await render({}, controlPlane, 'v1.14.1')
    expect(leaks(native.text).length).toBeGreaterThan(8)
    expect(leaks(native.masked)).toEqual([])
  })

  test('in the words of other programs are in no text for people', async () => {
    const files = {
      'variables.yaml': `apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: tailscale
environment: [TS_AUTHKEY=canary-in-a-patch, 'NB_SETUP_KEY="canary-in-a-patch"', TS_STATE_DIR=/var/lib]
`,
      'files.yaml': `apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: agent
configFiles:
  - mountPath: /a
    content: |-
      MONITOR ups@192.168.0.6 1 monuser "two canary-in-a-patch" secondary
      authkey: canary-in-a-patch
      PresharedKey = canary-in-a-patch
      machine ghcr.io login me password canary-in-a-patch
`,
      'arguments.yaml': 'machine: { kubelet: { extraArgs: { some-token: canary-in-a-patch } } }',
      'manifests.yaml': `cluster:
  inlineManifests:
    - { name: a, contents: '{"kind": "Secret", "data": {"a": "canary-in-a-patch"}}' }
    - { name: b, contents: "kind: List\\nitems:\\n- kind: Secret\\n  data:\\n    a: canary-in-a-patch\\n" }
    - { name: c, contents: "{ kind: Secret, stringData: { a: canary-in-a-patch } }" }
`,
    }
    const machines = `${usualInstall}patches: [${Object.keys(files).join(', ')}]`
    const made = await render({ machines, files }, controlPlane, 'v1.13.9')
    expect(made.text.split('canary-in-a-patch')).toHaveLength(11)
    expect(made.masked.split('\n').filter((line) => line.includes('canary-in-a-patch'))).toEqual([])
    expect(made.diff).not.toContain('canary-in-a-patch')
    expect(made.masked).toContain('TS_STATE_DIR=/var/lib')
  })

  test('are in no error', async () => {
    const token = testSecrets.trustdinfo.token
    const texts = [
      `machine: { nodeLabels: { "-${token}": x } }`,
      `machine: { ${token}: 1 }`,
      `cluster: { inlineManifests: [{ name: "${token}", contents: a }, { name: "${token}", contents: b }] }`,
      `machine: { sysctls: { "${token}": { $patch: delete } } }`,
      `machine: { type: ${token} }`,
      `apiVersion: v1alpha1\nkind: ${token}`,
    ]
    for (const text of texts) {
      const failure = await render({ machines: `${usualInstall}patches: [a.yaml]`, files: { 'a.yaml': text } }).catch(
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(Error)
      for (let one: unknown = failure; one instanceof Error; one = one.cause)
        expect(leaks(JSON.stringify([one.message, one])), text).toEqual([])
    }
  })
})
