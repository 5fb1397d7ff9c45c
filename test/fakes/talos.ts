import { isNewer } from '../../src/core/version.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Talos } from '../../src/core/ports.ts'
import type { FakeMachine, FakeWorld } from './homelab.ts'

/** The machine APIs of the fake homelab. */
export function fakeTalos(world: FakeWorld): Talos {
  const { machines, note, boot, hasQuorum } = world
  const voters = [...machines.values()].filter(({ role }) => role === 'controlplane')

  function answering(name: string): FakeMachine {
    const found = machines.get(name)
    if (!found) throw new AgentError('misconfigured', `there is no node ${name} in the configuration`)
    if (!found.up) throw new AgentError('unreachable', `${name} does not answer`)
    return found
  }
  /** As real ones do: the first that runs takes over where the leader is away. */
  function leader(): string | undefined {
    if (!hasQuorum()) return undefined
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
  /** An installer that refuses changes nothing. */
  function install(machine: FakeMachine, image: string): void {
    const { installerExit } = machine
    machine.installerExit = undefined
    if (installerExit !== undefined)
      throw new AgentError(
        installerExit === 2 || installerExit === 3 ? 'misconfigured' : 'rejected',
        `the installer on ${machine.name} ended with code ${installerExit}`,
      )
    machine.installed = parseImage(image)
  }

  return {
    version: async (name) => answering(name).version,
    look: async (name) => {
      const machine = answering(name)
      const booting = machine.stage === 'booting'
      return {
        version: machine.version,
        platform: 'metal',
        secureBoot: false,
        schematic: machine.schematic,
        extensions: machine.extensions,
        bootId: `boot-${machine.boots}`,
        stage: machine.stage,
        ready: !booting && (machine.role === 'worker' || hasQuorum()),
        unmet: booting ? ['services: kubelet not healthy'] : [],
        fallbackPending:
          machine.installed.version !== machine.version || machine.installed.schematic !== machine.schematic,
        staged: false,
        bootedEntry: `Talos-${machine.version}.efi`,
        uuid: machine.uuid,
        kernelArguments: ['talos.platform=metal'],
        ailing: booting ? ['kubelet'] : [],
        ...(machine.role === 'controlplane' ? { etcd: { ok: true as const, value: etcdOf(machine) } } : {}),
      }
    },
    pullImage: async (name, image) => {
      answering(name)
      await note(`pull-image ${name} ${image.split(':').at(-1)}`)
    },
    install: async (name, image) => {
      const machine = answering(name)
      await note(`install ${name}`)
      install(machine, image)
    },
    installAndReboot: async (name, image) => {
      const machine = answering(name)
      await note(`install-and-reboot ${name}`)
      install(machine, image)
      if (takes(machine)) boot(machine)
      answer(machine)
    },
    reboot: async (name) => {
      const machine = answering(name)
      await note(`reboot ${name}`)
      if (takes(machine)) boot(machine)
      answer(machine)
    },
    rollback: async (name) => {
      const machine = answering(name)
      const armed = machine.installed.version !== machine.version || machine.installed.schematic !== machine.schematic
      if (!armed && !machine.before) throw new AgentError('rejected', `${name}: previous UKI not found`)
      await note(`roll-back ${name}`)
      machine.installed = armed ? { version: machine.version, schematic: machine.schematic } : machine.before!
      machine.before = undefined
      boot(machine)
      answer(machine)
    },
    forfeitLeadership: async (name) => {
      const machine = answering(name)
      if (machine.role === 'worker')
        throw new AgentError('rejected', `${name}: etcd forfeit leadership is only available on control plane nodes`)
      if (leader() !== name) return undefined
      const next = voters.find((voter) => voter.name !== name && voter.up && voter.stage !== 'booting')
      if (!next) throw new AgentError('rejected', `${name}: cannot forfeit leadership, only one member`)
      await note(`forfeit-leadership ${name}`)
      world.leader = next.name
      return next.name
    },
    snapshotEtcd: async function* (name) {
      answering(name)
      if (!hasQuorum()) throw new AgentError('unreachable', `${name}: etcdserver: no leader`)
      yield new TextEncoder().encode('a snapshot of etcd')
    },
    follow: async function* (name) {
      yield `stage ${answering(name).stage}`
    },
    shutDown: async (name, { force }) => {
      const machine = answering(name)
      await note(`shut-down ${name}${force ? '' : ' gently'}`)
      machine.stage = 'shutting down'
      if (!machine.hangs) machine.up = false
    },
  }
}

/** Newer releases bring a newer etcd, whose data the older one refuses once all members run it. */
export function raiseStorageVersion(world: FakeWorld): void {
  const voters = [...world.machines.values()].filter(({ role }) => role === 'controlplane')
  if (voters.every(({ version }) => !isNewer('v1.14.0', version))) world.storageVersion = '3.7.0'
}

function parseImage(image: string): { version: string; schematic: string } {
  const found = /installer\/([^:]+):(.+)$/.exec(image)!
  return { schematic: found[1]!, version: found[2]! }
}
