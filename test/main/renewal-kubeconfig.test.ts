import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.ts'
import { refusal } from '../adapters/refusal.ts'
import { createAuthority } from '../lab/authority.ts'
import { createKubernetesApi } from '../lab/kubernetes/api.ts'
import { apiPort, dates, day, endOf, inDays, version, renewalLab } from './renewal-lab.ts'

const addresses = { cp: '127.0.44.184', w: '127.0.44.185', api: '127.0.44.186' }
const lab = renewalLab(addresses)
const { file, kubeconfigLasting, kubernetesNow, open, writeTalosconfig, written } = lab

describe('a kubeconfig whose certificate ends soon', () => {
  const user = async () => parse(await readFile(file('kubeconfig'), 'utf8')).users[0]

  test('is renewed through a control plane, and goes on over the end of the old one', async () => {
    await writeTalosconfig({ to: 3_650 })
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ from: -300, to: 20 }))
    lab.handedOut = await kubeconfigLasting({ to: 300 })
    const world = await open()
    expect(await version(world)).toBe('v1.36.3')
    await world.check()
    expect(Math.round((endOf((await kubernetesNow()).cert!) - Date.now()) / day)).toBe(300)
    expect((await user()).name).toBe('me')
    expect(written()).toEqual([])
    inDays(30)
    expect(await version(world)).toBe('v1.36.3')
    // Over the end of every certificate that there is, renewed each time.
    for (const days of [180, 200, 200]) {
      inDays(days)
      lab.handedOut = await kubeconfigLasting({ to: 300 })
      await world.check()
      expect(await version(world)).toBe('v1.36.3')
    }
    expect(written()).toEqual([])
  })

  test('that has ended already is named by the refusal, and renewed', async () => {
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ from: -300, to: -2 }))
    const world = await open()
    const ended = new Date(Date.now() - 2 * day).toISOString().slice(0, 10)
    expect((await refusal(version(world))).message).toBe(
      `the Kubernetes API at ${addresses.api}:${apiPort} refuses GET /version: Unauthorized: the client certificate in ${file('kubeconfig')} expired on ${ended}`,
    )
    await world.check()
    expect(await version(world)).toBe('v1.36.3')
  })

  test('with certificates in files of their own is renewed in the state directory, with all that belongs to it', async () => {
    const { cert, key } = await lab.authority.issueClient({
      common: 'me',
      organizations: ['system:masters'],
      ...dates({ from: -300, to: 20 }),
    })
    await mkdir(file('pki'))
    await writeFile(file('pki/me.crt'), cert)
    await writeFile(file('pki/me.key'), key)
    await writeFile(file('pki/ca.crt'), lab.authority.ca)
    const text = stringify({
      'current-context': 'lab',
      contexts: [{ name: 'lab', context: { cluster: 'home', user: 'me' } }],
      clusters: [
        {
          name: 'home',
          cluster: { server: `https://${addresses.api}:${apiPort}`, 'certificate-authority': 'pki/ca.crt' },
        },
      ],
      users: [{ name: 'me', user: { 'client-certificate': 'pki/me.crt', 'client-key': 'pki/me.key' } }],
    })
    await writeFile(file('kubeconfig'), text)
    const world = await open()
    await world.check()
    expect(await readFile(file('kubeconfig'), 'utf8')).toBe(text)
    const copy = file('state/credentials/kubeconfig')
    expect(parseKubeconfig(await readFile(copy, 'utf8'), copy)).toMatchObject({ ca: lab.authority.ca, files: [] })
    expect(written('event')[0]).toContain('its certificate is in a separate file')
    inDays(30)
    expect(await version(world)).toBe('v1.36.3')
    expect(await version(await open())).toBe('v1.36.3')
  })

  test('is not made an admin’s where it was not', async () => {
    const text = await kubeconfigLasting({ from: -300, to: 20 }, ['readers'])
    await writeFile(file('kubeconfig'), text)
    const world = await open()
    await world.check()
    expect(await readFile(file('kubeconfig'), 'utf8')).toBe(text)
    expect(written()).toEqual([
      expect.stringMatching(
        /in less than a month; only one of system:masters is renewed automatically: put a new certificate into /,
      ),
    ])
  })

  test('is not asked for with a talosconfig that may not, and that is said', async () => {
    await writeTalosconfig({ roles: ['os:operator'] })
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ from: -300, to: 20 }))
    await (await open(false)).check()
    expect(written()).toEqual([
      expect.stringContaining(
        'it is renewed automatically only with an os:admin talosconfig: get a new one with `talosctl',
      ),
    ])
  })

  test('is not replaced by that of another cluster', async () => {
    const text = await kubeconfigLasting({ from: -300, to: 20 })
    await writeFile(file('kubeconfig'), text)
    const other = createKubernetesApi({ address: addresses.api, authority: await createAuthority('kubernetes') })
    lab.handedOut = await other.kubeconfig()
    const world = await open()
    await world.check()
    expect(await readFile(file('kubeconfig'), 'utf8')).toBe(text)
    expect(written()).toContainEqual(expect.stringContaining('the cluster has a different CA than the file'))
  })
})
