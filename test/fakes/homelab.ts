import { createHash } from 'node:crypto'
import type {
  Attempts,
  CordonMark,
  Role,
  SchematicParts,
  StorageFacts,
  Workloads,
} from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { LeaseClaim } from '../../src/core/cluster/ports.ts'
import type { Ups } from '../../src/core/power/ports.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { fakeFactory } from './factory.ts'
import { fakeHosts } from './hosts.ts'
import { memoryJournal } from './journal.ts'
import { fakeKubernetes, type FakeStorageSetting, type FakeWorkload } from './kubernetes.ts'
import { fakeShare } from './share.ts'
import { fakeSnapshots } from './snapshots.ts'
import { fakeTalos, raiseStorageVersion } from './talos.ts'

/** A machine of the fake homelab: hardware, disk and node object in one. */
export interface FakeMachine {
  readonly name: string
  readonly role: Role
  up: boolean
  stage: string
  version: string
  schematic: string
  extensions: readonly string[]
  uuid: string
  /** As the kubelet reports it, too. */
  machineId: string
  /** The role in its machine configuration, whatever ours says. */
  machineType: Role
  /** The name that it registers under in Kubernetes; a node object of an earlier name stays, and is not Ready. */
  hostname: string
  /** What a schematic gives it beside extensions. */
  provides: SchematicParts
  /** Only systemd-boot tells what it starts next. */
  bootloader: 'systemd-boot' | 'grub'
  /** It runs a signed UKI. */
  secureBoot: boolean
  installed: { version: string; schematic: string }
  /** What an installer wrote last: the other boot entry, while it does not run. */
  latest: { version: string; schematic: string }
  /** What ran before the last boot that changed it: what a rollback goes back to. */
  before: { version: string; schematic: string } | undefined
  /** The release that somebody left for the next boot to install, whichever entry that starts. */
  stagedUpgrade: string | undefined
  boots: number
  unschedulable: boolean
  mark: CordonMark | undefined
  staged: CordonMark | undefined
  paused: string | undefined
  /** Versions of Kubernetes' components on it that are not the API server's, by name: `kubelet`, `kube-scheduler`. */
  components: Record<string, string>
  zone: string | undefined
  attempts: Attempts | undefined
  /** Pods that do not go when they are asked to. */
  stubborn: boolean
  /** The next boot falls back to the release before. */
  rollsBack: boolean
  /** The next boot never ends by itself: stage booting, the kubelet unhealthy. */
  stuckBooting: boolean
  /** The next reboot is answered with OK, and does not happen. */
  rebootIgnored: boolean
  /** The kernel refuses the next kexec: the sequence fails, and Talos switches to the other boot entry and reboots. */
  kexecRefused: boolean
  /** Its kubelet is not healthy; its etcd is. */
  kubeletIll: boolean
  /** So many more of its answers break off before their end, as a stream does that ends early. */
  breaksOff: number
  /** So many more lists of nodes show the kubelet's report of the boot before. */
  kubeletLate: number
  /** The next order to reboot arrives, and its answer does not. */
  answerLost: boolean
  /** The next installer ends with this exit code. */
  installerExit: number | undefined
  /** It takes the order to shut down and goes on running. */
  hangs: boolean
}

/** A machine that is no node: a NAS. */
export interface FakeHost {
  up: boolean
  /** It takes the order to shut down and goes on running. */
  hangs: boolean
}

export interface FakeHomelab {
  readonly ports: Ports
  readonly hosts: Map<string, FakeHost>
  /** Machines that magic packets do not wake. */
  readonly deaf: Set<string>
  /** What was done to it, in order: 'cordon w-1', 'reboot w-1'. */
  readonly diary: string[]
  readonly machines: ReadonlyMap<string, FakeMachine>
  machine(name: string): FakeMachine
  /** Which machine answers at the address of a node, where it is another one than its own: as after new DHCP leases. */
  readonly addresses: Map<string, string>
  /** Installer images that were asked for: the node, and the image's name. */
  readonly pulled: [node: string, image: string][]
  /** The control plane that leads etcd, while there is a quorum. */
  leader: string | undefined
  hasQuorum(): boolean
  /** The API server has just started: so many more calls are refused, as they are while it registers its groups. */
  apiStarting: number
  /** The version of etcd's data. */
  storageVersion: string
  /** What the UPS says; throws when it is silent. */
  ups: UpsReading | 'silent'
  versions: string[]
  /** What the Factory marks as withdrawn; undefined: it is too old to know the question. */
  withdrawn: string[] | undefined
  kubernetesVersion: string
  workloads: Workloads
  storage: StorageFacts
  /** Workloads that can be scaled, and how many replicas each has now. */
  readonly scalables: FakeWorkload[]
  /** Settings of storage systems, and what each is now. */
  readonly storageSettings: FakeStorageSetting[]
  /** What the API server would not let us do. */
  forbidden: readonly string[]
  /** Why the user's checks fail, by name. */
  readonly failingChecks: Map<string, string>
  /** Who holds the cluster's Lease, and until when, in ms since the epoch. */
  lease: (LeaseClaim & { until: number }) | undefined
  /** Called before each call that changes something, with its diary entry: for stopping, killing or failing there. */
  before: ((entry: string) => void | Promise<void>) | undefined
}

/** What the fake ports need of the homelab beside what a story may look at. */
export interface FakeWorld extends FakeHomelab {
  note(entry: string): Promise<void>
  boot(machine: FakeMachine): void
}

export interface FakeOptions {
  readonly version?: string
  readonly schematic?: string
  readonly versions?: readonly string[]
  /** Names of machines that are no nodes. */
  readonly hosts?: readonly string[]
  /** Labels of the UPSes; one, called ups, by default. */
  readonly upses?: readonly string[]
  /** From an order to reboot until the node answers again, in ms; 0: it is back at once. */
  readonly bootTakes?: number
}

/**
 * A homelab in memory behind every port. It behaves: an installed release runs only after a reboot, etcd needs its
 * quorum and the Kubernetes API needs etcd, what is down doesn't answer, and a magic packet wakes only what is off.
 */
export function fakeHomelab(
  roles: Readonly<Record<string, Role>>,
  {
    version = 'v1.13.9',
    schematic = 'a'.repeat(64),
    versions = [version],
    bootTakes = 0,
    hosts = [],
    upses = ['ups'],
  }: FakeOptions = {},
): FakeHomelab {
  const diary: string[] = []
  const machines = new Map<string, FakeMachine>(
    Object.entries(roles).map(([name, role]) => [name, newMachine(name, role, version, schematic)]),
  )
  const voters = [...machines.values()].filter(({ role }) => role === 'controlplane')
  const runs = ({ up, stage }: FakeMachine) => up && stage !== 'booting'

  const world: FakeWorld = {
    diary,
    machines,
    machine: (name) => machines.get(name)!,
    addresses: new Map(),
    pulled: [],
    hasQuorum: () => voters.filter(runs).length >= Math.floor(voters.length / 2) + 1,
    leader: voters[0]?.name,
    storageVersion: '3.6.0',
    apiStarting: 0,
    hosts: new Map(hosts.map((name) => [name, { up: true, hangs: false }])),
    deaf: new Set(),
    ups: { status: ['OL'], charge: 100, runtime: 3_600_000 },
    versions: [...versions],
    withdrawn: [],
    kubernetesVersion: 'v1.36.3',
    workloads: { blocking: [], pending: [] },
    storage: { systems: [], unwell: [], lastReplicas: new Map() },
    scalables: [],
    storageSettings: [],
    forbidden: [],
    failingChecks: new Map(),
    lease: undefined,
    before: undefined,
    ports: undefined!,
    note: async (entry) => {
      await world.before?.(entry)
      diary.push(entry)
    },
    boot: (machine) => {
      const staged = machine.stagedUpgrade
      if (staged !== undefined) machine.installed = { version: staged, schematic: machine.schematic }
      machine.stagedUpgrade = undefined
      const falls = machine.rollsBack
      const changes = machine.installed.version !== machine.version || machine.installed.schematic !== machine.schematic
      if (changes && !falls) machine.before = { version: machine.version, schematic: machine.schematic }
      if (!falls) Object.assign(machine, machine.installed)
      Object.assign(machine, {
        installed: { version: machine.version, schematic: machine.schematic },
        rollsBack: false,
      })
      machine.boots += 1
      const isBack = () => {
        Object.assign(machine, { up: true, stage: machine.stuckBooting ? 'booting' : 'running', stuckBooting: false })
        if (machine.role === 'controlplane') raiseStorageVersion(world)
      }
      if (bootTakes === 0) return isBack()
      machine.up = false
      setTimeout(isBack, bootTakes)
    },
  }
  function switchOn(name: string): void {
    const machine = machines.get(name)
    if (machine && !machine.up) world.boot(machine)
    const host = world.hosts.get(name)
    if (host) host.up = true
  }
  /** One UPS is spoken of without its name, as there is no other. */
  const fakeUps = (name: string): Ups => {
    const of = upses.length > 1 ? ` ${name}` : ''
    return {
      name,
      read: async (signal) => {
        if (world.ups === 'silent' || signal.aborted) throw new AgentError('unreachable', 'the UPS does not answer')
        return world.ups
      },
      logOut: () => world.note(`log-out${of}`),
      logIn: () => world.note(`log-in${of}`),
      command: (command) => world.note(`${command}${of}`),
    }
  }
  const ports: Ports = {
    journal: memoryJournal(),
    waker: heeding({
      wake: async (name: string) => {
        await world.note(`wake ${name}`)
        if (!world.deaf.has(name)) switchOn(name)
      },
      powerOn: async (name: string) => {
        await world.note(`power-on ${name}`)
        switchOn(name)
      },
    }),
    upses: new Map(upses.map((label) => [label, fakeUps(label)])),
    hosts: heeding(fakeHosts({ machines: world.hosts, note: world.note })),
    factory: heeding(fakeFactory(world, schematic)),
    share: heeding(fakeShare(world.note)),
    talos: heeding(fakeTalos(world)),
    kubernetes: heeding(fakeKubernetes(world)),
    snapshots: fakeSnapshots(world.note),
    checks: { run: async ({ name }) => world.failingChecks.get(name) },
  }
  return Object.assign(world, { ports })
}

/** The kernel's boot id of the machine's present boot: no two machines share one. */
export function bootIdOf({ name, boots }: Pick<FakeMachine, 'name' | 'boots'>): string {
  return `boot-${boots} of ${name}`
}

function newMachine(name: string, role: Role, version: string, schematic: string): FakeMachine {
  return {
    name,
    role,
    up: true,
    stage: 'running',
    version,
    schematic,
    extensions: [],
    uuid: `uuid-${name}`,
    machineId: createHash('md5').update(name).digest('hex'),
    machineType: role,
    hostname: name,
    provides: { kernelArguments: [], overlay: undefined, embeddedConfig: false },
    bootloader: 'systemd-boot',
    secureBoot: false,
    installed: { version, schematic },
    latest: { version, schematic },
    before: undefined,
    stagedUpgrade: undefined,
    boots: 1,
    unschedulable: false,
    mark: undefined,
    staged: undefined,
    paused: undefined,
    components: {},
    zone: undefined,
    attempts: undefined,
    stubborn: false,
    rollsBack: false,
    stuckBooting: false,
    rebootIgnored: false,
    kexecRefused: false,
    kubeletIll: false,
    kubeletLate: 0,
    breaksOff: 0,
    answerLost: false,
    installerExit: undefined,
    hangs: false,
  }
}

/** Nobody who has called a call off gets it done: the promise of every port. */
function heeding<Port extends object>(port: Port): Port {
  const calls = Object.entries(port).map(([name, call]: [string, unknown]) => {
    const refuse = (given: readonly unknown[]) => {
      if (given.some((one) => one instanceof AbortSignal && one.aborted))
        throw new AgentError('unreachable', 'called off')
    }
    if (typeof call !== 'function') return [name, call]
    if (call.constructor.name === 'AsyncGeneratorFunction') {
      const stream = async function* (...given: unknown[]): AsyncGenerator {
        refuse(given)
        yield* (call as (...same: unknown[]) => AsyncGenerator)(...given)
      }
      return [name, stream]
    }
    const heed = async (...given: unknown[]): Promise<unknown> => {
      refuse(given)
      return call(...given)
    }
    return [name, heed]
  })
  return Object.fromEntries(calls) as Port
}
