import type { CordonMark, Role } from '../../src/core/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { UpsReading } from '../../src/core/power.ts'
import { fakeFactory } from './factory.ts'
import { memoryJournal } from './journal.ts'
import { fakeShare } from './share.ts'

/** A machine of the fake homelab: hardware, disk and node object in one. */
export interface FakeMachine {
  readonly name: string
  readonly role: Role
  up: boolean
  stage: string
  version: string
  schematic: string
  extensions: readonly string[]
  installed: { version: string; schematic: string }
  boots: number
  unschedulable: boolean
  mark: CordonMark | undefined
  attempts: { release: string; count: number; failure?: string } | undefined
  /** Pods that do not go when they are asked to. */
  stubborn: boolean
  /** The next boot falls back to the release before. */
  rollsBack: boolean
  /** It takes the order to shut down and goes on running. */
  hangs: boolean
}

export interface FakeHomelab {
  readonly ports: Ports
  /** What was done to it, in order: 'cordon w-1', 'reboot w-1'. */
  readonly diary: string[]
  readonly machines: ReadonlyMap<string, FakeMachine>
  machine(name: string): FakeMachine
  /** What the UPS says; throws when it is silent. */
  ups: UpsReading | 'silent'
  versions: string[]
  kubernetesVersion: string
  /** Called before each call that changes something, with its diary entry: for stopping, killing or failing there. */
  before: ((entry: string) => void | Promise<void>) | undefined
}

export interface FakeOptions {
  readonly version?: string
  readonly schematic?: string
  readonly versions?: readonly string[]
}

/**
 * A homelab in memory behind every port. It behaves: an installed release runs only after a reboot, etcd needs its
 * quorum and the Kubernetes API needs etcd, what is down doesn't answer, and a magic packet wakes only what is off.
 */
export function fakeHomelab(
  roles: Readonly<Record<string, Role>>,
  { version = 'v1.13.9', schematic = 'a'.repeat(64), versions = [version] }: FakeOptions = {},
): FakeHomelab {
  const diary: string[] = []
  const machines = new Map<string, FakeMachine>(
    Object.entries(roles).map(([name, role]) => [
      name,
      {
        name,
        role,
        up: true,
        stage: 'running',
        version,
        schematic,
        extensions: [],
        installed: { version, schematic },
        boots: 1,
        unschedulable: false,
        mark: undefined,
        attempts: undefined,
        stubborn: false,
        rollsBack: false,
        hangs: false,
      },
    ]),
  )
  const voters = [...machines.values()].filter(({ role }) => role === 'controlplane')
  const hasQuorum = () => voters.filter(({ up }) => up).length >= Math.floor(voters.length / 2) + 1

  const homelab: FakeHomelab = {
    diary,
    machines,
    machine: (name) => machines.get(name)!,
    ups: { status: ['OL'], charge: 100, runtime: 3_600_000 },
    versions: [...versions],
    kubernetesVersion: 'v1.36.3',
    before: undefined,
    ports: {
      journal: memoryJournal(),
      wakeOnLan: {
        wake: async (mac) => {
          await note(`wake ${mac}`)
          const machine = machines.get(mac)
          if (machine && !machine.up) boot(machine)
        },
      },
      ups: {
        name: 'ups',
        read: async (signal) => {
          if (homelab.ups === 'silent' || signal.aborted) throw new AgentError('unreachable', 'the UPS does not answer')
          return homelab.ups
        },
        logOut: () => note('log-out'),
        logIn: () => note('log-in'),
      },
      factory: heeding(fakeFactory(() => homelab.versions, schematic)),
      share: heeding(fakeShare(note)),
      talos: heeding({
        version: async (name) => answering(name).version,
        look: async (name) => {
          const machine = answering(name)
          const members = voters.map((voter) => ({ id: `id-${voter.name}`, name: voter.name, learner: false }))
          const leader = hasQuorum() ? `id-${voters.find(({ up }) => up)!.name}` : undefined
          const etcd = {
            id: `id-${name}`,
            leader,
            learner: false,
            errors: leader ? [] : ['etcdserver: no leader'],
            members,
          }
          const armed =
            machine.installed.version !== machine.version || machine.installed.schematic !== machine.schematic
          return {
            version: machine.version,
            platform: 'metal',
            secureBoot: false,
            schematic: machine.schematic,
            extensions: machine.extensions,
            bootId: `boot-${machine.boots}`,
            stage: machine.stage,
            ready: machine.role === 'worker' || hasQuorum(),
            unmet: [],
            fallbackPending: armed,
            ...(machine.role === 'controlplane' ? { etcd: { ok: true as const, value: etcd } } : {}),
          }
        },
        pullImage: async (name, image) => {
          answering(name)
          await note(`pull-image ${name} ${image.split(':').at(-1)}`)
        },
        install: async (name, image) => {
          const machine = answering(name)
          await note(`install ${name}`)
          machine.installed = parseImage(image)
        },
        installAndReboot: async (name, image) => {
          const machine = answering(name)
          await note(`install-and-reboot ${name}`)
          machine.installed = parseImage(image)
          boot(machine)
        },
        reboot: async (name) => {
          const machine = answering(name)
          await note(`reboot ${name}`)
          boot(machine)
        },
        shutDown: async (name, { force }) => {
          const machine = answering(name)
          await note(`shut-down ${name}${force ? '' : ' gently'}`)
          machine.stage = 'shutting down'
          if (!machine.hangs) machine.up = false
        },
      }),
      kubernetes: heeding({
        version: async () => {
          apiServer()
          return homelab.kubernetesVersion
        },
        nodes: async () => {
          apiServer()
          return new Map(
            [...machines.values()].map(({ name, up, stage, unschedulable, mark, attempts }) => [
              name,
              {
                ready: up && stage === 'running',
                unschedulable,
                cordon: unschedulable ? mark : undefined,
                leftover: !unschedulable && mark !== undefined,
                attempts,
              },
            ]),
          )
        },
        cordon: async (name, mark, attempts) => {
          const machine = nodeObject(name)
          // What is left of a mark on a schedulable node counts for nothing.
          if (!machine.unschedulable) machine.mark = undefined
          if (machine.unschedulable && !machine.mark) {
            if (mark.why === 'power') return
            throw new AgentError('rejected', `${name} was cordoned by somebody else`)
          }
          if (machine.mark?.why === 'upgrade' && mark.why === 'power') return
          if (!machine.unschedulable) await note(`cordon ${name}`)
          Object.assign(machine, { unschedulable: true, mark, ...(attempts ? { attempts } : {}) })
        },
        noteFailure: async (name, attempts) => {
          nodeObject(name).attempts = attempts
        },
        uncordon: async (name, why, { forgetAttempts }) => {
          apiServer()
          if (!machines.has(name)) return
          const machine = nodeObject(name)
          if (forgetAttempts) machine.attempts = undefined
          if (machine.unschedulable && machine.mark?.why !== why) return
          if (machine.unschedulable) await note(`uncordon ${name}`)
          Object.assign(machine, { unschedulable: false, mark: undefined })
        },
        drain: async (name, policy, signal) => {
          apiServer()
          await note(`drain ${name}`)
          if (!machines.get(name)!.stubborn || policy.deleteAfter !== undefined) return
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
          throw new AgentError('timed-out', 'would not go: default/db-0: its disruption budget')
        },
      }),
    },
  }

  async function note(entry: string): Promise<void> {
    await homelab.before?.(entry)
    diary.push(entry)
  }
  function answering(name: string): FakeMachine {
    const found = machines.get(name)
    if (!found) throw new AgentError('misconfigured', `there is no node ${name} in the configuration`)
    if (!found.up) throw new AgentError('unreachable', `${name} does not answer`)
    return found
  }
  function apiServer(): void {
    if (!hasQuorum()) throw new AgentError('unreachable', 'the Kubernetes API does not answer')
  }
  function nodeObject(name: string): FakeMachine {
    apiServer()
    const found = machines.get(name)
    if (!found) throw new AgentError('rejected', `nodes "${name}" not found`)
    return found
  }
  function boot(machine: FakeMachine): void {
    if (!machine.rollsBack) Object.assign(machine, machine.installed)
    Object.assign(machine, {
      installed: { version: machine.version, schematic: machine.schematic },
      rollsBack: false,
      up: true,
      stage: 'running',
    })
    machine.boots += 1
  }
  function parseImage(image: string): { version: string; schematic: string } {
    const found = /installer\/([^:]+):(.+)$/.exec(image)!
    return { schematic: found[1]!, version: found[2]! }
  }

  return homelab
}

/** Nobody who has called a call off gets it done: the promise of every port. */
function heeding<Port extends object>(port: Port): Port {
  const calls = Object.entries(port).map(([name, call]: [string, unknown]) => {
    if (typeof call !== 'function') return [name, call]
    const heed = async (...given: unknown[]): Promise<unknown> => {
      if (given.some((one) => one instanceof AbortSignal && one.aborted))
        throw new AgentError('unreachable', 'called off')
      return call(...given)
    }
    return [name, heed]
  })
  return Object.fromEntries(calls) as Port
}
