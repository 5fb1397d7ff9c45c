import type { Role, StorageFacts, Workloads } from '../../src/core/cluster/cluster.ts'
import type { LeaseClaim } from '../../src/core/cluster/ports.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { Share } from '../../src/core/release/ports.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { fakeChecks } from './checks.ts'
import { fakeFactory } from './factory.ts'
import { heeding } from './heeding.ts'
import { fakeHosts } from './hosts.ts'
import { memoryJournal } from './journal.ts'
import { fakeKubernetes, type FakeStorageSetting, type FakeWorkload } from './kubernetes.ts'
import { type FakeMachine, newMachine, startFromNetwork, startNextSystem } from './machine.ts'
import { fakeNetboot, type NetbootWorld } from './netboot.ts'
import { type FakeShare, fakeShare } from './share.ts'
import { fakeSnapshots } from './snapshots.ts'
import { fakeTalos, raiseStorageVersion } from './talos.ts'
import { fakeUpses } from './ups.ts'
import { fakeWaker } from './waker.ts'

/** A machine that is no node: a NAS. */
export interface FakeHost {
  up: boolean
  /** It takes the order to shut down and goes on running. */
  hangs: boolean
}

export interface FakeHomelab extends NetbootWorld {
  readonly ports: Ports
  /** The share, and what something else may do to it. */
  readonly share: FakeShare
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
  /** What each UPS says, by label; one that is silent does not answer. */
  readonly upses: Map<string, UpsReading | 'silent'>
  versions: string[]
  /** What the Factory marks as withdrawn; undefined: it is too old to know the question. */
  withdrawn: string[] | undefined
  kubernetesVersion: string
  /** The clock of the API server, in ms since the epoch: it is right, whatever ours says. */
  now: () => number
  workloads: Workloads
  storage: StorageFacts
  /** Workloads that can be scaled, and how many replicas each has now. */
  readonly scalables: FakeWorkload[]
  /** Settings of storage systems, and what each is now. */
  readonly storageSettings: FakeStorageSetting[]
  /**
   * So many more looks until data are whole that missed writes while nodes went down; nothing is repaired while a setting
   * keeps it from being so.
   */
  healing: number
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
export interface FakeWorld extends Omit<FakeHomelab, 'share'> {
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
    Object.entries(roles).map(([name, role]) => [name, newMachine(name, role, { version, schematic })]),
  )
  const voters = [...machines.values()].filter(({ role }) => role === 'controlplane')
  const runs = ({ up, stage }: FakeMachine) => up && stage !== 'booting'

  const note = async (entry: string) => {
    await world.before?.(entry)
    diary.push(entry)
  }
  const upsesThere = fakeUpses(upses, note)
  const share = fakeShare(note)
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
    upses: upsesThere.readings,
    versions: [...versions],
    withdrawn: [],
    kubernetesVersion: 'v1.36.3',
    now: Date.now,
    workloads: { blocking: [], pending: [] },
    storage: { systems: [], unwell: [], lastReplicas: new Map() },
    scalables: [],
    storageSettings: [],
    healing: 0,
    forbidden: [],
    failingChecks: new Map(),
    dhcpServers: [],
    served: new Map(),
    lease: undefined,
    before: undefined,
    ports: undefined!,
    note,
    boot: (machine) => {
      const served = machine.bootsFrom === undefined ? undefined : share.serves(machine.bootsFrom)
      if (machine.bootsFrom === undefined) startNextSystem(machine)
      else if (served) startFromNetwork(machine, served)
      else return void (machine.up = false)
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
  const ports: Ports = {
    journal: memoryJournal(),
    waker: heeding(fakeWaker({ deaf: world.deaf, note, switchOn })),
    upses: upsesThere.ports,
    hosts: heeding(fakeHosts({ machines: world.hosts, note })),
    factory: heeding(fakeFactory(world, schematic)),
    share: heeding<Share>(share),
    talos: heeding(fakeTalos(world)),
    kubernetes: heeding(fakeKubernetes(world)),
    snapshots: fakeSnapshots(note),
    checks: fakeChecks(world.failingChecks),
    netboot: heeding(fakeNetboot(world)),
  }
  return Object.assign(world, { ports, share })
}
