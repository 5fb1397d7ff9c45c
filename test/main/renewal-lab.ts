import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { stringify } from 'yaml'
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
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { createAuthority, type LabAuthority, withTalosLabel } from '../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi } from '../lab/kubernetes/api.ts'
import { soon } from '../patience.ts'

export const day = 86_400_000
export const hour = 3_600_000
/** The port of the Kubernetes API. */
export const apiPort = 26_443

/** Begins and ends so many days from now. */
export interface Lasting {
  readonly from?: number
  readonly to?: number
  readonly roles?: readonly string[]
}

export interface RenewalAddresses {
  readonly cp: string
  readonly w: string
  readonly api: string
}

/** What a test has before it: both credentials in a folder, good for a year, and a cluster that takes them. */
export interface RenewalLab {
  readonly talos: TalosLab
  readonly kubernetes: KubernetesApi
  /** Of Kubernetes. */
  readonly authority: LabAuthority
  /** Ends with the test. */
  readonly stack: AsyncDisposableStack
  readonly directory: string
  /** The kubeconfig that the control plane hands out. */
  handedOut: string
  /** Where the CA of Talos is being rotated: who issues clients by now. */
  rotated: LabAuthority | undefined
  /** The path of a file in the folder. */
  file(name: string): string
  /** Puts another talosconfig there; returns its certificate. */
  writeTalosconfig(lasting?: Lasting): Promise<string>
  kubeconfigLasting(lasting: Lasting, groups?: readonly string[]): Promise<string>
  /** The daemon's world, and its look at the credentials. */
  open(upgrades?: boolean): Promise<World & { check(): Promise<void>; readonly meter: Meter }>
  /** Texts in the journal, the newest first. */
  written(kind?: 'alert' | 'event'): readonly string[]
  talosNow(): Promise<ReturnType<typeof parseTalosconfig>>
  kubernetesNow(): Promise<ReturnType<typeof parseKubeconfig>>
}

/** A cluster for the tests of a file, at these addresses. */
export function renewalLab({ cp, w, api }: RenewalAddresses): RenewalLab {
  const labs = new AsyncDisposableStack()
  let talos: TalosLab
  let kubernetes: KubernetesApi
  let authority: LabAuthority
  beforeAll(async () => {
    authority = await createAuthority('kubernetes')
    kubernetes = labs.use(createKubernetesApi({ address: api, port: apiPort, authority }))
    await kubernetes.start()
    const clientAuthority = () => lab.rotated ?? talos.authority
    talos = labs.use(
      await startTalosLab(
        { name: 'cp-1', address: cp, kubeconfig: () => lab.handedOut, clientAuthority },
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
    lab.rotated = undefined
    lab.handedOut = await kubernetes.kubeconfig()
    await mkdir(file('schematics'))
    await lab.writeTalosconfig()
    await writeFile(file('kubeconfig'), await kubernetes.kubeconfig())
  })
  afterEach(async () => {
    vi.useRealTimers()
    await stack.disposeAsync()
  })

  const lab: RenewalLab = {
    get talos() {
      return talos
    },
    get kubernetes() {
      return kubernetes
    },
    get authority() {
      return authority
    },
    get stack() {
      return stack
    },
    get directory() {
      return directory
    },
    handedOut: '',
    rotated: undefined,
    file,
    async writeTalosconfig({ roles = ['os:admin'], ...lasting } = {}) {
      const { cert, key } = await talos.authority.issueClient({ common: '', organizations: roles, ...dates(lasting) })
      const own = {
        endpoints: [cp],
        ca: base64(talos.authority.ca),
        crt: base64(cert),
        key: base64(withTalosLabel(key)),
      }
      await writeFile(file('talosconfig'), `# mine\n${stringify({ context: 'lab', contexts: { lab: own } })}`)
      return cert
    },
    kubeconfigLasting: (lasting, groups = ['system:masters']) =>
      kubernetes.kubeconfig({ user: 'me', groups, ...dates(lasting) }),
    async open(upgrades = true) {
      await writeFile(file('caretaker.yaml'), stringify(configOf({ cp, w, upgrades })))
      const settings = await loadSettings(file('caretaker.yaml'), {})
      const alerts = createAlerts(journal, () => new Date())
      const told = tellAlerts(settings, alerts, silentLog)
      const world = stack.use(await openWorld({ settings, journal, log: silentLog, told }))
      const meter = createMeter()
      const watch = stack.use(watchLives({ journal, alerts, log: silentLog, meter, all: world.credentials }))
      return Object.assign(world, { check: watch.check, meter })
    },
    written: (kind = 'alert') => journal.entries(100).flatMap((entry) => (entry.kind === kind ? [entry.text] : [])),
    talosNow: async () => parseTalosconfig(await readFile(file('talosconfig'), 'utf8'), 'talosconfig'),
    kubernetesNow: async () => parseKubeconfig(await readFile(file('kubeconfig'), 'utf8'), file('kubeconfig')),
  }
  return lab
}

function configOf({ cp, w, upgrades }: { readonly cp: string; readonly w: string; readonly upgrades: boolean }) {
  return {
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
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

export const dates = ({ from = -1, to = 364 }: Lasting) => ({
  from: new Date(Date.now() + from * day),
  to: new Date(Date.now() + to * day),
})
export const endOf = (cert: string) => new X509Certificate(cert).validToDate.getTime()
export const version = ({ ports }: World) => ports.kubernetes.version(soon())
export const inDays = (days: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * day })
