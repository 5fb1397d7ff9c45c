import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { parseTalosconfig } from '../../src/adapters/talos/talosconfig.ts'
import { createAuthority } from '../lab/authority.ts'
import { soon } from '../patience.ts'
import { day, endOf, hour, inDays, renewalLab } from './renewal-lab.ts'

const addresses = { cp: '127.0.44.181', w: '127.0.44.182', api: '127.0.44.183' }
const lab = renewalLab(addresses)
const { file, kubeconfigLasting, open, talosNow, writeTalosconfig, written } = lab

test('credentials with most of their life before them are left alone, and nothing is said', async () => {
  const world = await open()
  const before = [await readFile(file('talosconfig'), 'utf8'), await readFile(file('kubeconfig'), 'utf8')]
  await world.check()
  expect([await readFile(file('talosconfig'), 'utf8'), await readFile(file('kubeconfig'), 'utf8')]).toEqual(before)
  expect([...written(), ...written('event')]).toEqual([])
  expect(await readdir(lab.directory)).not.toContain('state')
  const shown = world.meter.read().filter(({ family }) => family.includes('credentials'))
  const ends = { credentials: 'talosconfig', at: endOf((await talosNow()).cert) / 1_000 }
  expect(shown.map(({ labels, value }) => ({ ...labels, at: value }))).toContainEqual(ends)
})

describe('a talosconfig whose certificate ends soon', () => {
  test('is renewed by a control plane, in its place, for the same roles and as long a life', async () => {
    const roles = ['os:admin', 'os:etcd:backup']
    const old = await writeTalosconfig({ from: -300, to: 20, roles })
    await chmod(file('talosconfig'), 0o640)
    const world = await open()
    await world.check()
    const fresh = await talosNow()
    expect(fresh.cert).not.toBe(old)
    expect(new Set(fresh.roles)).toEqual(new Set(roles))
    expect(Math.round((endOf(fresh.cert) - Date.now()) / day)).toBe(320)
    expect((await stat(file('talosconfig'))).mode & 0o777).toBe(0o640)
    const text = await readFile(file('talosconfig'), 'utf8')
    expect(text).toMatch(/^# mine\n/)
    expect(parse(text)).toMatchObject({ context: 'lab', contexts: { lab: { endpoints: [addresses.cp] } } })
    expect(written()).toEqual([])
    expect(written('event')).toEqual([
      `the talosconfig was renewed and is valid until ${new Date(endOf(fresh.cert)).toISOString().slice(0, 10)}: written to ${file('talosconfig')}`,
    ])
    expect(await world.ports.talos.version('w-1', soon())).toBe('v1.13.9')
  })

  test('that is read-only is renewed in the state directory, which is used from then on, and that is said', async () => {
    const old = await writeTalosconfig({ from: -300, to: 20 })
    await chmod(file('talosconfig'), 0o444)
    await (await open()).check()
    expect((await talosNow()).cert).toBe(old)
    const copy = file('state/credentials/talosconfig')
    const renewed = parseTalosconfig(await readFile(copy, 'utf8'), copy)
    expect(endOf(renewed.cert)).toBeGreaterThan(endOf(old))
    expect((await stat(copy)).mode & 0o777).toBe(0o600)
    expect(written('event')[0]).toMatch(
      `: written to ${copy}, which is used instead of ${file('talosconfig')}: that can't be rewritten (${file('talosconfig')} is read-only)`,
    )
    expect(written()).toEqual([])
    // A daemon that starts again goes on with it, over the end of the old one.
    inDays(30)
    const again = await open()
    await again.check()
    expect(await again.ports.talos.version('cp-1', soon())).toBe('v1.13.9')
    expect(written()).toEqual([])
  })

  test('gives way to a newer file of the user’s, although the copy lives longer', async () => {
    await writeTalosconfig({ from: -300, to: 20, roles: ['os:admin'] })
    await chmod(file('talosconfig'), 0o444)
    const world = await open()
    await world.check()
    const copy = await readFile(file('state/credentials/talosconfig'), 'utf8')
    await rm(file('talosconfig'))
    const theirs = await writeTalosconfig({ to: 60, roles: ['os:admin', 'os:reader'] })
    await world.check()
    expect(await readFile(file('state/credentials/talosconfig'), 'utf8')).toBe(copy)
    // It is theirs that is watched now.
    inDays(45)
    await world.check()
    const { cert, roles } = await talosNow()
    expect(cert).not.toBe(theirs)
    expect(roles).toHaveLength(2)
  })

  test('and has not the role for it is spoken of at each stage, with what a person can do', async () => {
    await writeTalosconfig({ from: 0, to: 365, roles: ['os:operator'] })
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ to: 3_650 }))
    const world = await open(false)
    for (const days of [182, 1, 100, 60, 15, 10, 6, 1]) {
      inDays(days)
      await world.check()
      await world.check()
    }
    const what = `the client certificate in ${file('talosconfig')}`
    const advice =
      'only one with os:admin is renewed automatically: make a new one with `talosctl config new --roles os:operator` and a talosconfig that has os:admin'
    expect(
      written()
        .toReversed()
        .map((text) => text.replaceAll(/\d{4}-\d\d-\d\d/g, 'DAY')),
    ).toEqual([
      `${what} is past half of its lifetime, and expires on DAY; ${advice}`,
      `${what} expires on DAY, in less than a month; ${advice}`,
      `${what} expires on DAY, in less than a week; ${advice}`,
      expect.stringMatching(
        /expired on DAY; nodes no longer accept it: .*talosctl gen config --with-secrets secrets\.yaml/,
      ),
    ])
  })

  test('is asked for again after a while where no control plane answers, and that is said once', async () => {
    await writeTalosconfig({ from: -300, to: 100 })
    const world = await open()
    const [node] = lab.talos.nodes
    node!.faults.silent = true
    lab.stack.defer(() => {
      node!.faults.silent = false
    })
    vi.useFakeTimers({ toFake: ['Date'] })
    await world.check()
    await world.check()
    expect(written().filter((text) => text.includes('could not be renewed: cp-1'))).toHaveLength(1)
    node!.faults.silent = false
    await world.check()
    expect(written('event')).toEqual([])
    vi.setSystemTime(Date.now() + hour)
    await world.check()
    expect(written('event')).toEqual([expect.stringContaining('the talosconfig was renewed')])
  })

  test('is not replaced by what is of another CA', async () => {
    const old = await writeTalosconfig({ from: -300, to: 20 })
    const world = await open()
    lab.rotated = await createAuthority('talos')
    await world.check()
    expect((await talosNow()).cert).toBe(old)
    expect(written()).toContainEqual(expect.stringContaining('could not be renewed: the cluster has a different CA'))
  })
})

test('a new certificate that does not let us in takes the place of nothing', async () => {
  const old = await writeTalosconfig({ from: -300, to: 20 })
  // One that claims to be of this cluster and is not, and one that the API server refuses.
  lab.rotated = { ...(await createAuthority('talos')), ca: lab.talos.authority.ca }
  lab.handedOut = await lab.kubernetes.kubeconfig()
  lab.kubernetes.expireCredentials()
  await writeFile(file('kubeconfig'), await kubeconfigLasting({ from: -300, to: 20 }))
  const kept = await readFile(file('kubeconfig'), 'utf8')
  const world = await open()
  await world.check()
  expect((await talosNow()).cert).toBe(old)
  expect(await readFile(file('kubeconfig'), 'utf8')).toBe(kept)
  expect(written().filter((alert) => alert.includes('could not be renewed: '))).toEqual([
    expect.stringContaining('Unauthorized'),
    expect.stringContaining('cp-1'),
  ])
})
