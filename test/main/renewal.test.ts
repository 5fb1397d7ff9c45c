import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.ts'
import { parseTalosconfig } from '../../src/adapters/talos/talosconfig.ts'
import type { Journal } from '../../src/core/journal.ts'
import { createMeter, type Meter } from '../../src/core/metrics/meter.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { watchLives } from '../../src/main/renewal.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { tellAlerts } from '../../src/main/tell.ts'
import { openWorld, type World } from '../../src/main/wiring.ts'
import { startTalosLab, type TalosLab } from '../adapters/talos/lab.ts'
import { refusal } from '../adapters/refusal.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { createAuthority, type LabAuthority, withTalosLabel } from '../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi } from '../lab/kubernetes/api.ts'
import { soon } from '../patience.ts'

const day = 86_400_000
const hour = 3_600_000
const base64 = (text: string) => Buffer.from(text).toString('base64')
const [cp, w, apiAddress] = ['127.0.44.181', '127.0.44.182', '127.0.44.183']
const labs = new AsyncDisposableStack()
let at: TalosLab
let kubernetes: KubernetesApi
let authority: LabAuthority
/** What the control plane hands out. */
let handedOut: string
/** Where the CA of Talos is being rotated: who issues clients by now. */
let rotated: LabAuthority | undefined
beforeAll(async () => {
  authority = await createAuthority('kubernetes')
  kubernetes = labs.use(createKubernetesApi({ address: apiAddress, port: 26_443, authority }))
  await kubernetes.start()
  at = labs.use(
    await startTalosLab(
      {
        name: 'cp-1',
        address: cp,
        kubeconfig: () => handedOut,
        clientAuthority: () => rotated ?? at.authority,
      },
      { name: 'w-1', address: w },
    ),
  )
})
afterAll(() => labs.disposeAsync())

let stack: AsyncDisposableStack
let directory: string
let journal: Journal
const file = (name: string) => join(directory, name)
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  directory = await mkdtemp(join(tmpdir(), 'caretaker-renewal-'))
  stack.defer(() => rm(directory, { recursive: true }))
  journal = memoryJournal()
  rotated = undefined
  handedOut = await kubernetes.kubeconfig()
  await mkdir(file('schematics'))
  await writeTalosconfig()
  await writeFile(file('kubeconfig'), await kubernetes.kubeconfig())
})
afterEach(async () => {
  vi.useRealTimers()
  await stack.disposeAsync()
})

/** Begins and ends so many days from now. */
interface Lasting {
  readonly from?: number
  readonly to?: number
  readonly roles?: readonly string[]
}
const dates = ({ from = -1, to = 364 }: Lasting) => ({
  from: new Date(Date.now() + from * day),
  to: new Date(Date.now() + to * day),
})

async function writeTalosconfig({ roles = ['os:admin'], ...lasting }: Lasting = {}): Promise<string> {
  const { cert, key } = await at.authority.issueClient({ common: '', organizations: roles, ...dates(lasting) })
  const lab = { endpoints: [cp], ca: base64(at.authority.ca), crt: base64(cert), key: base64(withTalosLabel(key)) }
  await writeFile(file('talosconfig'), `# mine\n${stringify({ context: 'lab', contexts: { lab } })}`)
  return cert
}
const kubeconfigLasting = (lasting: Lasting, groups = ['system:masters']) =>
  kubernetes.kubeconfig({ user: 'me', groups, ...dates(lasting) })

async function open(upgrades = true): Promise<World & { check(): Promise<void>; readonly meter: Meter }> {
  const config = {
    cluster: { talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
    nodes: [
      { name: 'cp-1', role: 'controlplane', address: cp },
      { name: 'w-1', role: 'worker', address: w },
    ],
    schematic: 'homelab',
    share: { directory: 'share' },
    upgrade: { enabled: upgrades },
    state: 'state',
  }
  await writeFile(file('caretaker.yaml'), stringify(config))
  const settings = await loadSettings(file('caretaker.yaml'), {})
  const alerts = createAlerts(journal, () => new Date())
  const world = stack.use(
    await openWorld({ settings, journal, log: silentLog, told: tellAlerts(settings, alerts, silentLog) }),
  )
  const meter = createMeter()
  const watch = stack.use(watchLives({ journal, alerts, log: silentLog, meter, all: world.credentials }))
  return Object.assign(world, { check: watch.check, meter })
}
const written = (kind: 'alert' | 'event' = 'alert') =>
  journal.entries(100).flatMap((entry) => (entry.kind === kind ? [entry.text] : []))
const endOf = (cert: string) => new X509Certificate(cert).validToDate.getTime()
const talosNow = async () => parseTalosconfig(await readFile(file('talosconfig'), 'utf8'), 'talosconfig')
const kubernetesNow = async () => parseKubeconfig(await readFile(file('kubeconfig'), 'utf8'), file('kubeconfig'))
const version = ({ ports }: World) => ports.kubernetes.version(soon())
const inDays = (days: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * day })

test('credentials with most of their life before them are left alone, and nothing is said', async () => {
  const world = await open()
  const before = [await readFile(file('talosconfig'), 'utf8'), await readFile(file('kubeconfig'), 'utf8')]
  await world.check()
  expect([await readFile(file('talosconfig'), 'utf8'), await readFile(file('kubeconfig'), 'utf8')]).toEqual(before)
  expect([...written(), ...written('event')]).toEqual([])
  expect(await readdir(directory)).not.toContain('state')
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
    expect(parse(text)).toMatchObject({ context: 'lab', contexts: { lab: { endpoints: [cp] } } })
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
    const [node] = at.nodes
    node!.faults.silent = true
    stack.defer(() => {
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
    rotated = await createAuthority('talos')
    await world.check()
    expect((await talosNow()).cert).toBe(old)
    expect(written()).toContainEqual(expect.stringContaining('could not be renewed: the cluster has a different CA'))
  })
})

test('a new certificate that does not let us in takes the place of nothing', async () => {
  const old = await writeTalosconfig({ from: -300, to: 20 })
  // One that claims to be of this cluster and is not, and one that the API server refuses.
  rotated = { ...(await createAuthority('talos')), ca: at.authority.ca }
  handedOut = await kubernetes.kubeconfig()
  kubernetes.expireCredentials()
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

describe('a kubeconfig whose certificate ends soon', () => {
  const user = async () => parse(await readFile(file('kubeconfig'), 'utf8')).users[0]

  test('is renewed through a control plane, and goes on over the end of the old one', async () => {
    await writeTalosconfig({ to: 3_650 })
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ from: -300, to: 20 }))
    handedOut = await kubeconfigLasting({ to: 300 })
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
      handedOut = await kubeconfigLasting({ to: 300 })
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
      `the Kubernetes API at ${apiAddress}:26443 refuses GET /version: Unauthorized: the client certificate in ${file('kubeconfig')} expired on ${ended}`,
    )
    await world.check()
    expect(await version(world)).toBe('v1.36.3')
  })

  test('with certificates in files of their own is renewed in the state directory, with all that belongs to it', async () => {
    const { cert, key } = await authority.issueClient({
      common: 'me',
      organizations: ['system:masters'],
      ...dates({ from: -300, to: 20 }),
    })
    await mkdir(file('pki'))
    await writeFile(file('pki/me.crt'), cert)
    await writeFile(file('pki/me.key'), key)
    await writeFile(file('pki/ca.crt'), authority.ca)
    const text = stringify({
      'current-context': 'lab',
      contexts: [{ name: 'lab', context: { cluster: 'home', user: 'me' } }],
      clusters: [
        { name: 'home', cluster: { server: `https://${apiAddress}:26443`, 'certificate-authority': 'pki/ca.crt' } },
      ],
      users: [{ name: 'me', user: { 'client-certificate': 'pki/me.crt', 'client-key': 'pki/me.key' } }],
    })
    await writeFile(file('kubeconfig'), text)
    const world = await open()
    await world.check()
    expect(await readFile(file('kubeconfig'), 'utf8')).toBe(text)
    const copy = file('state/credentials/kubeconfig')
    expect(parseKubeconfig(await readFile(copy, 'utf8'), copy)).toMatchObject({ ca: authority.ca, files: [] })
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
    const other = createKubernetesApi({ address: apiAddress, authority: await createAuthority('kubernetes') })
    handedOut = await other.kubeconfig()
    const world = await open()
    await world.check()
    expect(await readFile(file('kubeconfig'), 'utf8')).toBe(text)
    expect(written()).toContainEqual(expect.stringContaining('the cluster has a different CA than the file'))
  })
})

describe('a file that changes', () => {
  test('is used without a restart', async () => {
    const world = await open()
    await version(world)
    await writeFile(file('kubeconfig'), (await kubernetes.kubeconfig()).replace(':26443', ':1'))
    expect(await refusal(version(world))).toMatchObject({ code: 'unreachable' })
    await writeFile(file('kubeconfig'), await kubernetes.kubeconfig())
    expect(await version(world)).toBe('v1.36.3')
  })

  test('is read again when what it said is refused', async () => {
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ to: 1 }))
    const world = await open()
    await version(world)
    inDays(2)
    await writeFile(file('kubeconfig'), await kubernetes.kubeconfig())
    expect(await version(world)).toBe('v1.36.3')
  })

  test.each([
    { name: 'kubeconfig', text: 'users: [', why: 'is not valid YAML' },
    { name: 'kubeconfig', text: '', why: 'no current-context' },
    { name: 'talosconfig', text: 'contexts: {', why: 'is not valid YAML' },
    { name: 'talosconfig', text: 'context: none\n', why: 'no context "none"' },
  ])('and is a broken $name leaves the last good one in force: "$text"', async ({ name, text, why }) => {
    const world = await open()
    const good = await readFile(file(name), 'utf8')
    await writeFile(file(name), text)
    expect(await version(world)).toBe('v1.36.3')
    expect(await world.ports.talos.version('cp-1', soon())).toBe('v1.13.9')
    expect(written()).toEqual([expect.stringContaining(why)])
    expect(written()[0]).toMatch(/; its previous version stays in use$/)
    await writeFile(file(name), good)
    await world.check()
    expect(written()).toEqual([expect.stringMatching(/^settled: /), expect.anything()])
  })

  test('and lacks a role that is needed leaves the last good talosconfig in force', async () => {
    const world = await open()
    await writeTalosconfig({ roles: ['os:reader'] })
    expect(await world.ports.talos.version('cp-1', soon())).toBe('v1.13.9')
    expect(written()).toEqual([expect.stringContaining('has the role os:reader, not os:admin')])
  })
})
