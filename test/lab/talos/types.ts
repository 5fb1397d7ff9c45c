import type { LabAuthority } from '../authority.ts'
import type { LabEtcd } from './etcd.ts'

/** What an installer image holds. */
export interface LabImage {
  /** The Talos release, `v1.13.9`. */
  readonly version: string
  /** The Image Factory's schematic id: 64 hexadecimal digits. */
  readonly schematic: string
}

/** A system extension of a Talos image. */
export interface LabExtension {
  readonly name: string
  readonly version: string
}

/** How long things take, in ms. */
export interface TalosPace {
  /** Pulling an installer image. */
  readonly pull: number
  /** Running the installer. */
  readonly install: number
  /** From the stage rebooting, shutting down or upgrading until apid is gone. */
  readonly stop: number
  /** From apid gone until apid answers. */
  readonly boot: number
  /** From apid answering until the node is running and ready. */
  readonly settle: number
  /** How long Talos waits for its own cordon and drain (a minute on a real node). */
  readonly cordon: number
  /** How long etcd takes to refuse what it lacks the quorum for. */
  readonly etcd: number
  /** How long Talos tries to reach its etcd where that does not run (some 2 s on a real node). */
  readonly etcdDown: number
  /** How long a pull waits for a containerd that is not up (10 s on a real node). */
  readonly containerd: number
}

export interface TalosNodeOptions {
  /** Hostname, Kubernetes node name and etcd member name. */
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  /** The only address it listens on, `127.0.x.y`. */
  readonly address: string
  /** apid's port, 50000 unless told. A control plane forwards to its peers' same port. */
  readonly port?: number
  readonly mac?: string
  /** Its firmware's; made of its name unless told. */
  readonly uuid?: string
  /** Its firmware's serial number; its name unless told. */
  readonly serial?: string
  /** The Talos release that is installed at first. */
  readonly version: string
  /** The schematic that is installed at first: shows as the virtual extension `schematic`. */
  readonly schematic: string
  readonly extensions?: readonly LabExtension[]
  /** Official extensions in an image of that schematic, as the Factory names them; in place of `extensions` where known. */
  readonly extensionsOf?: (schematic: string) => readonly string[] | undefined
  /** The kernel arguments that an image of that schematic adds to Talos' own. */
  readonly kernelArgumentsOf?: (schematic: string) => readonly string[]
  /** The text of its schematic as it reports it, whatever it is made of: some are damaged. */
  readonly schematicText?: string
  /** The overlay of a board, as its schematic says it. */
  readonly overlay?: { readonly image: string; readonly name: string; readonly options?: object }
  /** What starts the machine; only systemd-boot tells which entry it started. */
  readonly bootloader?: 'systemd-boot' | 'grub'
  readonly secureBoot?: boolean
  /** It has no installation on a disk, and boots what this answers; undefined: nothing is served yet. */
  readonly served?: () => LabImage | undefined
  /** It runs a signed UKI; its firmware may or may not enforce that (`secureBoot`). */
  readonly signed?: boolean
  /** The name that it registers under in Kubernetes; its own by default. */
  readonly nodename?: string
  /** Issues the server's certificate; clients need one of the same authority. */
  readonly authority: LabAuthority
  /** Control planes only. The node joins when it is made, and its member runs while the node's services run. */
  readonly etcd?: LabEtcd
  /** What an installer image holds; undefined = there is no such image (NotFound on pull). */
  resolveImage(ref: string): LabImage | undefined
  /** Versions of Kubernetes' components that run on it, by name: `kubelet`. None unless said. */
  components?(): Readonly<Record<string, string>>
  /**
   * What a node does to Kubernetes where Talos itself drains: its own upgrade, and a shutdown without force. Rejects
   * when the Kubernetes API is away.
   */
  readonly cordonAndDrain?: (name: string) => Promise<void>
  /** Issues what GenerateClientConfiguration hands out: in a rotation of the CA another authority than the server's. */
  readonly clientAuthority?: () => LabAuthority
  /** The kubeconfig that a control plane hands out to an admin. */
  readonly kubeconfig?: () => string
  readonly pace?: Partial<TalosPace>
  /** All nodes of the cluster, this one among them, as discovery and the health check see them. */
  readonly peers?: () => readonly TalosPeer[]
}

/** What nodes know of each other. */
export type TalosPeer = Pick<TalosNode, 'name' | 'role' | 'address' | 'version' | 'power'> &
  Partial<Pick<TalosNode, 'stage' | 'ready'>>

/** A call that was to change something, allowed or not. */
export interface TalosCall {
  /** ms since the epoch. */
  readonly at: number
  /** `Service.Method`, as in `MachineService.Reboot`, `LifecycleService.Upgrade` or `ImageService.Pull`. */
  readonly method: string
  /** The caller's roles (`os:admin`). */
  readonly by: readonly string[]
  /** How it is to reboot, where that was said and is not the default: `POWERCYCLE`, `FORCE`. */
  readonly mode?: string
}

/** How an answer ends before its end. */
export interface EarlyEnd {
  /** Of which method, `Service.Method`; of any unless said. */
  readonly method?: string
  /** How much of the answer there is. */
  readonly after: 'nothing' | 'headers' | 'half a message' | 'one message' | 'all messages'
  /** The stream ends as if that were all, its connection is closed, with a GOAWAY or without, or RST_STREAM has this code. */
  readonly by: 'end' | 'close' | 'goaway' | number
  /** So many answers. */
  readonly times: number
}

/** What a registry answers to a pull, or why it can't be asked. */
export type RegistryTrouble = 400 | 401 | 403 | 429 | 500 | 502 | 503 | 504 | 'refused' | 'no name' | 'slow'

/** Switches for what goes wrong. Those that say "next" switch themselves off when they have been used. */
export interface TalosFaults {
  /**
   * The next installer run ends with this exit code and changes nothing: 1 unknown, 2 invalid input, 3 unsupported,
   * 4 environment, 5 dependency, 6 I/O, 7 install.
   */
  installerExit: number | undefined
  /** The next installer run ends with a panic of Go's, which is exit code 2 as well, and changes nothing. */
  installerPanics: boolean
  /** The next pull fails by the registry. */
  registry: RegistryTrouble | undefined
  /** Until switched off: containerd is not up, and a pull fails after `pace.containerd`. */
  containerdDown: boolean
  /** The next answers end before their end. */
  endsEarly: EarlyEnd | undefined
  /** The next LifecycleService.Upgrade, or each, is refused: FailedPrecondition, another one is in progress. */
  upgradeInProgress: boolean | 'for good'
  /**
   * The next Reboot is answered with OK and does not happen: another sequence holds the lock (event NOOP with LOCKED).
   */
  locked: boolean
  /** The next Reboot is answered with OK and nothing at all follows. */
  rebootIgnored: boolean
  /**
   * At the next reboot the sockets stay open and silent, without FIN or RST, as after kexec; new connections are
   * accepted and get nothing until the node is up. What is then sent on an old connection is answered with RST.
   */
  halfOpen: boolean
  /** The next boot falls back to the release before: boots what ran last, and forgets the fallback (META 0x06). */
  rollBack: boolean
  /**
   * The next boot never ends: stage booting, kubelet unhealthy. Only another reboot, a rollback or the cord ends it.
   */
  stuckBooting: boolean
  /**
   * The next kexec is refused: the reboot's sequence fails, and machined switches to the other boot entry, where META
   * 0x06 is on the disk, and reboots through the firmware. Nobody hears of it in an event from 1.14 on.
   */
  kexecRefused: boolean
  /** The next shutdown never ends: services are stopped, apid answers, and a file system does not unmount. */
  shutdownHangs: boolean
  /** The next boot is of another machine: it comes back with another UUID. */
  otherMachine: boolean
  /** The next snapshot of etcd ends in its middle: as if it were whole, or with an error. */
  snapshotBreaksOff: 'silently' | 'with an error' | undefined
  /** The next snapshot of etcd has a byte that is not the database's. */
  snapshotDamaged: boolean
  /** The next watch of resources is told that it was too slow (ERRORED), and nothing more. */
  watchOverrun: boolean
  /** Until switched off: the firmware's variables can't be read (EIO). */
  efiUnreadable: boolean
  /** Until changed: how far its clock is ahead of ours, in ms. */
  clockOff: number
  /** Until changed: why it can't ask its time server; it is not in step then. */
  timeServer: string | undefined
  /** Until changed: what its network card wakes it by (ethtool); undefined: its driver does not tell. */
  wakesBy: readonly string[] | undefined
  /** Until switched off: its network card has no link, whatever else answers. */
  cableOut: boolean
  /** Until switched off: connections are accepted and nothing is ever answered, on old ones neither. */
  silent: boolean
}

export interface RenewOptions {
  readonly issuer?: LabAuthority
  readonly accepts?: readonly LabAuthority[]
}

/** A Talos node: a real gRPC server with mTLS, and a machine behind it that installs, reboots and loses its power. */
export interface TalosNode extends AsyncDisposable {
  readonly name: string
  readonly role: 'controlplane' | 'worker'
  readonly address: string
  readonly port: number
  readonly mac: string
  readonly power: 'on' | 'off'
  /** apid listens. */
  readonly answering: boolean
  /** Stage running, and no condition unmet: the kubelet is healthy, and the Kubernetes node is Ready. */
  readonly ready: boolean
  /**
   * As in the MachineStatus resource: `booting`, `running`, `rebooting`, `shutting down`, `upgrading`; `unknown` when
   * off.
   */
  readonly stage: string
  /** What runs, or ran last. */
  readonly version: string
  readonly schematic: string
  /** A UUID, new at each boot. */
  readonly bootId: string
  /** /etc/machine-id, which its kubelet reports too. */
  readonly machineId: string
  /** The firmware's UUID: the same at every boot. */
  readonly uuid: string
  /** What the next boot runs. */
  readonly installed: LabImage
  /** Installed is not what runs: any reboot, wanted or not, changes the release. */
  readonly armed: boolean
  readonly calls: readonly TalosCall[]
  /** Open connections of its clients. */
  readonly connections: number
  readonly faults: TalosFaults
  /** Called after any change of the above. Returns what takes the listener off again. */
  onChange(listener: () => void): () => void
  /**
   * An upgrade was staged (META 0x07) and the reboot that belongs to it has not come: the next boot installs it, and
   * boots once more.
   */
  stageUpgrade(ref: string): void
  /**
   * Another certificate for its server: of the same authority, as twice a day, or of another, as in a rotation of the
   * CA. `accepts`: whose clients are let in, unless told those of whoever issued it. Open connections go on.
   */
  renewCertificate(options?: RenewOptions): Promise<void>
  /**
   * Boots it; done as soon as apid answers. The node becomes ready later, and a control plane only with etcd's quorum.
   */
  start(): Promise<void>
  /** The power button, or a magic packet: boots it if it is off, and is harmless if it is on. */
  wake(): void
  /**
   * The cord is pulled: all is gone at once. Open connections get no FIN; new ones are refused, since a loopback
   * address cannot be unreachable.
   */
  cutPower(): void
}
