import { notObserved, observed, type TalosFacts } from '../../src/core/cluster/cluster.ts'
import { isNewer } from '../../src/core/version.ts'
import { AgentError } from '../../src/core/errors.ts'
import { demandMachine, type ExpectedMachine } from '../../src/core/cluster/identity.ts'
import type { Talos } from '../../src/core/cluster/ports.ts'
import type { FakeWorld } from './homelab.ts'
import { bootIdOf, type FakeMachine } from './machine.ts'

const noEtcd = notObserved('its etcd did not answer within 2 s')

/** The machine APIs of the fake homelab. */
export function fakeTalos(world: FakeWorld): Talos {
  const reach = createReach(world)
  const etcd = createEtcd(world)
  return {
    ...fakeObservation(reach, etcd, world),
    ...fakeInstalls(reach, world),
    ...fakeReboots(reach, world),
    ...fakeEtcdCalls(reach, etcd, world),
  }
}

/** Who an order or a question comes to. */
interface Reach {
  /** @throws AgentError where it does not answer */
  answering(name: string): FakeMachine
  /** The machine that an order goes to, if it is the one that it is for. */
  meant(name: string, expected: ExpectedMachine | undefined): FakeMachine
}

function createReach(world: FakeWorld): Reach {
  function answering(name: string): FakeMachine {
    if (!world.machines.has(name))
      throw new AgentError('misconfigured', `there is no node ${name} in the configuration`)
    const found = world.machines.get(world.addresses.get(name) ?? name)!
    if (found.breaksOff > 0) {
      found.breaksOff -= 1
      throw new AgentError('unreachable', `${name} closed the connection before its answer was complete`)
    }
    if (!found.up) throw new AgentError('unreachable', `${name} does not answer`)
    return found
  }
  function meant(name: string, expected: ExpectedMachine | undefined): FakeMachine {
    const machine = answering(name)
    if (expected) demandMachine(name, machine, expected)
    return machine
  }
  return { answering, meant }
}

type Etcd = ReturnType<typeof createEtcd>

function createEtcd(world: FakeWorld) {
  const voters = [...world.machines.values()].filter(({ role }) => role === 'controlplane')
  /** As real ones do: the first that runs takes over where the leader is away. */
  function leader(): string | undefined {
    if (!world.hasQuorum()) return undefined
    const runs = (name: string | undefined) =>
      voters.some((voter) => voter.name === name && voter.up && voter.stage !== 'booting')
    if (!runs(world.leader)) world.leader = voters.find(({ name }) => runs(name))?.name
    return world.leader
  }
  function etcdOf({ name }: FakeMachine) {
    const leads = leader()
    return {
      id: `id-${name}`,
      leader: leads && `id-${leads}`,
      learner: false,
      errors: leads ? [] : ['etcdserver: no leader'],
      alarms: [],
      dbSize: 1_000_000,
      raftIndex: 1_000,
      raftApplied: 1_000,
      storageVersion: world.storageVersion,
      members: voters.map((voter) => ({ id: `id-${voter.name}`, name: voter.name, learner: false })),
    }
  }
  return { voters, leader, etcdOf }
}

/** Whether the order to reboot is to be carried out; its answer may get lost all the same. */
function takes(machine: FakeMachine): boolean {
  const ignored = machine.rebootIgnored
  machine.rebootIgnored = false
  return !ignored
}
function answer(machine: FakeMachine): void {
  const lost = machine.answerLost
  machine.answerLost = false
  if (lost) throw new AgentError('unreachable', `${machine.name}: it ended the connection: it may be restarting`)
}
/** A sequence that fails makes Talos switch back where META 0x06 is on the disk: also where a rollback had just done so. */
function revert(machine: FakeMachine, wasArmed: boolean): void {
  const refused = machine.kexecRefused
  machine.kexecRefused = false
  if (!refused || !wasArmed) return
  const { version, schematic } = machine
  machine.installed = isArmed(machine) ? { version, schematic } : machine.latest
}
function demandDisk({ name, bootsFrom }: FakeMachine): void {
  if (bootsFrom !== undefined) throw new AgentError('rejected', `${name}: system disk not found`)
}
/** An installer that refuses changes nothing. */
function install(machine: FakeMachine, image: string): void {
  demandDisk(machine)
  const { installerExit } = machine
  machine.installerExit = undefined
  if (installerExit !== undefined)
    throw new AgentError(
      installerExit === 2 || installerExit === 3 ? 'misconfigured' : 'rejected',
      `the installer on ${machine.name} exited with code ${installerExit}`,
    )
  machine.installed = parseImage(image)
  machine.latest = machine.installed
}

/** What it tells of itself. */
function fakeObservation(
  { answering }: Reach,
  { etcdOf }: Etcd,
  { hasQuorum }: FakeWorld,
): Pick<Talos, 'version' | 'observe' | 'activity' | 'follow'> {
  return {
    version: async (name) => answering(name).version,
    observe: async (name) => {
      const machine = answering(name)
      const booting = machine.stage === 'booting'
      return {
        version: machine.version,
        platform: 'metal',
        secureBoot: machine.secureBoot,
        machineType: machine.machineType,
        machineId: machine.machineId,
        nodename: machine.hostname,
        schematic: machine.schematic,
        extensions: machine.extensions,
        provides: machine.provides,
        bootId: bootIdOf(machine),
        stage: machine.stage,
        ready: !booting && !machine.kubeletIll && (machine.role === 'worker' || hasQuorum()),
        unmet: booting || machine.kubeletIll ? ['services: kubelet not healthy'] : [],
        // META is read again at the next boot, and the tag goes when that is running and ready.
        fallbackPending: booting && machine.before !== undefined,
        staged: machine.stagedUpgrade !== undefined,
        ...entriesOf(machine),
        onDisk: machine.bootsFrom === undefined,
        uuid: machine.uuid,
        kernelArguments: ['talos.platform=metal'],
        ailing: booting || machine.kubeletIll ? ['kubelet'] : [],
        ...(machine.machineType === 'controlplane' ? { etcd: booting ? noEtcd : observed(etcdOf(machine)) } : {}),
      }
    },
    activity: async (name) => {
      const { stage, hangs } = answering(name)
      return { stage, phase: stage === 'shutting down' && hangs ? 'unmountSystem' : undefined }
    },
    follow: async function* (name) {
      yield `stage ${answering(name).stage}`
    },
  }
}

/** What puts a release on a disk. */
function fakeInstalls(
  { answering, meant }: Reach,
  { pulled, note, boot }: FakeWorld,
): Pick<Talos, 'pullImage' | 'install' | 'installAndReboot'> {
  return {
    pullImage: async (name, image) => {
      answering(name)
      pulled.push([name, image])
      await note(`pull-image ${name} ${image.split(':').at(-1)}`)
    },
    install: async (name, image, _signal, expected) => {
      const machine = meant(name, expected)
      await note(`install ${machine.name}`)
      install(machine, image)
    },
    installAndReboot: async (name, { image }, _signal, expected) => {
      const machine = meant(name, expected)
      await note(`install-and-reboot ${machine.name}`)
      install(machine, image)
      if (takes(machine)) boot(machine)
      answer(machine)
    },
  }
}

function fakeReboots(
  { answering, meant }: Reach,
  { note, boot }: FakeWorld,
): Pick<Talos, 'reboot' | 'rollback' | 'shutDown'> {
  return {
    reboot: async (name, _mode, _signal, expected) => {
      const machine = meant(name, expected)
      await note(`reboot ${machine.name}`)
      if (takes(machine)) {
        revert(machine, isArmed(machine))
        boot(machine)
      }
      answer(machine)
    },
    rollback: async (name, _signal, expected) => {
      const machine = meant(name, expected)
      demandDisk(machine)
      const armed = isArmed(machine)
      if (!armed && !machine.before) throw new AgentError('rejected', `${name}: previous UKI not found`)
      await note(`roll-back ${machine.name}`)
      machine.installed = armed ? { version: machine.version, schematic: machine.schematic } : machine.before!
      machine.before = undefined
      revert(machine, armed)
      boot(machine)
      answer(machine)
    },
    shutDown: async (name, { force }) => {
      const machine = answering(name)
      await note(`shut-down ${machine.name}${force ? '' : ' gently'}`)
      if (takes(machine)) machine.stage = 'shutting down'
      if (machine.stage === 'shutting down' && !machine.hangs) machine.up = false
      answer(machine)
    },
  }
}

function fakeEtcdCalls(
  { answering, meant }: Reach,
  { voters, leader }: Etcd,
  world: FakeWorld,
): Pick<Talos, 'forfeitLeadership' | 'snapshotEtcd'> {
  const { note, hasQuorum } = world
  return {
    forfeitLeadership: async (name, _signal, expected) => {
      const machine = meant(name, expected)
      if (machine.role === 'worker')
        throw new AgentError('rejected', `${name}: etcd forfeit leadership is only available on control plane nodes`)
      if (leader() !== machine.name) return undefined
      const next = voters.find((voter) => voter !== machine && voter.up && voter.stage !== 'booting')
      if (!next) throw new AgentError('rejected', `${name}: cannot forfeit leadership, only one member`)
      await note(`forfeit-leadership ${machine.name}`)
      world.leader = next.name
      return next.name
    },
    snapshotEtcd: async function* (name) {
      answering(name)
      if (!hasQuorum()) throw new AgentError('unreachable', `${name}: etcdserver: no leader`)
      yield new TextEncoder().encode('a snapshot of etcd')
    },
  }
}

/** Newer releases bring a newer etcd, whose data the older one refuses once all members run it. */
export function raiseStorageVersion(world: FakeWorld): void {
  const voters = [...world.machines.values()].filter(({ role }) => role === 'controlplane')
  if (voters.every(({ version }) => !isNewer('v1.14.0', version))) world.storageVersion = '3.7.0'
}

function isArmed({ installed, version, schematic }: FakeMachine): boolean {
  return installed.version !== version || installed.schematic !== schematic
}

/** Two images of one release have entries of different names. */
function entriesOf(machine: FakeMachine): Pick<TalosFacts, 'bootedEntry' | 'defaultEntry' | 'hasOtherEntry'> {
  const { bootloader, version, installed, before } = machine
  if (bootloader === 'grub' || machine.bootsFrom !== undefined)
    return { bootedEntry: undefined, defaultEntry: undefined, hasOtherEntry: undefined }
  const isOther = isArmed(machine) && installed.version === version
  return {
    bootedEntry: `Talos-${version}.efi`,
    defaultEntry: `Talos-${installed.version}${isOther ? '~1' : ''}.efi`,
    // As the loader found them when it ran last: what is installed since is not among them.
    hasOtherEntry: before !== undefined,
  }
}

function parseImage(image: string): { version: string; schematic: string } {
  const found = /installer(?:-secureboot)?\/([^:]+):(.+)$/.exec(image)!
  return { schematic: found[1]!, version: found[2]! }
}
