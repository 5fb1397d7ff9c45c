import { createHash } from 'node:crypto'
import type { Attempts, CordonMark, Role, SchematicParts } from '../../src/core/cluster/cluster.ts'

/** A machine of the fake homelab: hardware, disk and node object in one. */
export interface FakeMachine {
  readonly name: string
  readonly role: Role
  up: boolean
  stage: string
  version: string
  schematic: string
  /** Undefined: it does not report them. */
  extensions: readonly string[] | undefined
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
  /** It has no installation on its disk, and boots this file of the share. */
  bootsFrom: string | undefined
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

export function newMachine(
  name: string,
  role: Role,
  { version, schematic }: { readonly version: string; readonly schematic: string },
): FakeMachine {
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
    bootsFrom: undefined,
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

/** The kernel's boot id of the machine's present boot: no two machines share one. */
export function bootIdOf({ name, boots }: Pick<FakeMachine, 'name' | 'boots'>): string {
  return `boot-${boots} of ${name}`
}

/** Of a machine without a disk, which has nowhere to keep it. */
export function machineIdAt(boot: Pick<FakeMachine, 'name' | 'boots'>): string {
  return createHash('md5').update(bootIdOf(boot)).digest('hex')
}

/** A machine without a disk starts what it is served, and has nowhere to keep its identity. */
export function startFromNetwork(machine: FakeMachine, served: { version: string; schematic: string }): void {
  const { version, schematic } = served
  Object.assign(machine, { version, schematic, installed: { version, schematic }, before: undefined })
  machine.boots += 1
  machine.machineId = machineIdAt(machine)
}

/** What an order to reboot, or switching it on, makes it run: what was installed last, unless that falls back. */
export function startNextSystem(machine: FakeMachine): void {
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
}
