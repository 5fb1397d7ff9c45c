import { createHash, randomUUID } from 'node:crypto'
import {
  MachineStatusEventSchema,
  MachineStatusEvent_MachineStage as StageNumber,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { LabEtcd } from './etcd.ts'
import { createEventLog, type EventLog, type ServiceState } from './events.ts'
import { minorOf } from './phases.ts'
import type { LabImage, TalosFaults, TalosNodeOptions, TalosPace } from './types.ts'

/** A stage as the MachineStatus resource spells it; `unknown` is Talos' own word for none yet. */
export type Stage =
  | 'unknown'
  | 'installing'
  | 'maintenance'
  | 'booting'
  | 'running'
  | 'rebooting'
  | 'shutting down'
  | 'upgrading'

export interface UnmetCondition {
  readonly name: string
  readonly reason: string
}

export interface Service {
  readonly state: ServiceState
  readonly healthy: boolean
}

/**
 * What a Talos machine is at a moment; its sequences change it (siderolabs/talos
 * controllers/runtime/machine_status.go).
 */
export interface Machine {
  readonly options: TalosNodeOptions
  readonly pace: TalosPace
  readonly faults: TalosFaults
  readonly etcd: LabEtcd | undefined
  readonly log: EventLog
  power: 'on' | 'off'
  answering: boolean
  stage: Stage
  /** What runs, or ran last. */
  running: LabImage
  /** The default boot entry. */
  installed: LabImage
  /** The other boot entry, if there is one. */
  other: LabImage | undefined
  /** META 0x06 on the disk: the boot entry to go back to, from an install until the new release is running and ready. */
  fallback: string | undefined
  /**
   * The same as the MetaKeys resource shows it: META is read at a boot, and again by the node's own upgrade, but not after
   * LifecycleService.Upgrade.
   */
  shownFallback: string | undefined
  /** Something was written to the disk that no boot has tried yet. */
  awaitsBoot: boolean
  /** META 0x07: the image of an upgrade that the next boot is to install. */
  staged: string | undefined
  /** Its identity on the STATE partition, base62 of 32 bytes; the machine id is made of it. */
  nodeId: string
  /** The firmware's. */
  uuid: string
  bootId: string
  /** ms since the epoch. */
  bootedAt: number
  /** Grows with every change: COSI's resource version. */
  readonly revision: number
  readonly services: ReadonlyMap<string, Service>
  /** Conditions besides services (`nodeReady`, `staticPods`), with their reasons. */
  readonly conditions: Map<string, string>
  unmet(): readonly UnmetCondition[]
  /** Stage running and nothing unmet. */
  isReady(): boolean
  setService(id: string, state: ServiceState, healthy?: boolean): void
  /** All services as a fresh boot finds them. */
  resetServices(): void
  /** A service runs and is healthy; etcd only with quorum. */
  startService(id: string): void
  stopService(id: string): void
  /** Writes an image to the disk: it is what the next boot runs. */
  install(image: LabImage): void
  /** The name of an image's boot entry (systemd-boot): its UKI's file. */
  entryOf(image: LabImage): string
  /** Says that something changed: publishes the machine's status if it is another one, and tells the listeners. */
  changed(): void
  onChange(listener: () => void): () => void
  /** Lets go of etcd. */
  release(): void
}

const stageNumbers: Record<Stage, StageNumber> = {
  unknown: StageNumber.UNKNOWN,
  installing: StageNumber.INSTALLING,
  maintenance: StageNumber.MAINTENANCE,
  booting: StageNumber.BOOTING,
  running: StageNumber.RUNNING,
  rebooting: StageNumber.REBOOTING,
  'shutting down': StageNumber.SHUTTING_DOWN,
  upgrading: StageNumber.UPGRADING,
}

const defaultPace: TalosPace = {
  pull: 50,
  install: 80,
  stop: 80,
  boot: 100,
  settle: 100,
  cordon: 60_000,
  etcd: 0,
  etcdDown: 1_500,
  containerd: 10_000,
}

/** A machine without power, with its first release on the disk. */
export function createMachine(options: TalosNodeOptions, faults: TalosFaults): Machine {
  const etcd = options.role === 'controlplane' ? options.etcd : undefined
  const image = { version: options.version, schematic: options.schematic }
  const log = createEventLog()
  const services = new Map<string, Service>()
  const listeners = new Set<() => void>()
  const required = ['apid', 'machined', 'kubelet', ...(options.role === 'controlplane' ? ['trustd'] : [])]
  if (etcd) required.unshift('etcd')
  const entries = createBootEntries(image)
  let published = ''
  let revision = 1

  const machine: Machine = {
    options,
    pace: { ...defaultPace, ...options.pace },
    faults,
    etcd,
    log,
    power: 'off',
    answering: false,
    stage: 'unknown',
    running: image,
    installed: image,
    other: undefined,
    fallback: undefined,
    shownFallback: undefined,
    awaitsBoot: false,
    staged: undefined,
    nodeId: nodeIdOf(options.name),
    uuid: options.uuid ?? uuidOf(options.name),
    bootId: randomUUID(),
    bootedAt: 0,
    services,
    conditions: new Map(),
    get revision() {
      return revision
    },
    unmet() {
      // Conditions are only looked at in these two stages: in any other a node says ready, whatever its state.
      if (machine.stage !== 'booting' && machine.stage !== 'running') return []
      const reasons = troublesOf(required, services)
      const others = [...machine.conditions].map(([name, reason]) => ({ name, reason }))
      return reasons.length > 0 ? [{ name: 'services', reason: reasons.join(', ') }, ...others] : others
    },
    isReady: () => machine.power === 'on' && machine.stage === 'running' && machine.unmet().length === 0,
    setService(id, state, healthy = false) {
      const before = services.get(id)
      if (before?.state === state && before.healthy === healthy) return
      services.set(id, { state, healthy })
      if (before?.state !== state) log.publishService(id, state, messages[state] ?? '')
      machine.changed()
    },
    resetServices() {
      services.clear()
      for (const id of [...required, 'auditd', 'containerd', 'cri', 'dashboard', 'syslogd', 'udevd'])
        services.set(id, { state: 'Initialized', healthy: false })
    },
    startService(id) {
      if (id === 'etcd') startEtcd()
      else machine.setService(id, 'Running', true)
    },
    stopService(id) {
      if (!services.has(id)) return
      machine.setService(id, 'Finished')
      if (id === 'etcd') etcd?.setRunning(options.name, false)
    },
    install(image) {
      machine.other = machine.running
      machine.installed = image
      machine.fallback = machine.entryOf(machine.running)
      entries.add(image, machine.running)
      machine.awaitsBoot = true
      machine.changed()
    },
    entryOf: entries.nameOf,
    changed() {
      revision++
      const unmet = machine.unmet()
      const status = JSON.stringify([machine.bootId, machine.stage, unmet])
      if (machine.stage !== 'unknown' && status !== published) {
        published = status
        log.publish(MachineStatusEventSchema, {
          stage: stageNumbers[machine.stage],
          status: { ready: unmet.length === 0, unmetConditions: [...unmet] },
        })
      }
      // The new release has proved itself (controllers/runtime/drop_upgrade_fallback.go).
      if (machine.isReady() && !machine.awaitsBoot) machine.fallback = machine.shownFallback = undefined
      for (const listener of listeners) listener()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    release: etcd?.onChange(followQuorum) ?? (() => {}),
  }

  function startEtcd(): void {
    machine.setService('etcd', 'Preparing')
    const refusal = etcd?.start(options.name, etcdOf(machine.running.version))
    // Talos starts it again and again, to no other end.
    if (refusal !== undefined) machine.setService('etcd', 'Failed')
    followQuorum()
  }

  function followQuorum(): void {
    const state = services.get('etcd')?.state
    if (!etcd?.member(options.name)?.running) return
    if (etcd.hasQuorum() && (state === 'Preparing' || state === 'Running')) machine.setService('etcd', 'Running', true)
    if (!etcd.hasQuorum() && state === 'Running') machine.setService('etcd', 'Running', false)
  }

  etcd?.join(options.name, options.address)
  return machine
}

/** The etcd that a release of Talos brings (pkg/machinery/constants DefaultEtcdVersion). */
export function etcdOf(version: string): string {
  return minorOf(version) >= 14 ? '3.7.1' : '3.6.12'
}

/** What keeps each of the required services from being well. */
function troublesOf(required: readonly string[], services: ReadonlyMap<string, Service>): readonly string[] {
  return required.flatMap((id) => {
    const service = services.get(id)
    if (service?.state !== 'Running') return [`${id} not running`]
    return service.healthy ? [] : [`${id} not healthy`]
  })
}

/** The boot entries on the disk (systemd-boot), by the image that each boots. */
interface BootEntries {
  nameOf(image: LabImage): string
  /** Gives an image an entry beside that of what runs: of one release there may be two schematics. */
  add(image: LabImage, running: LabImage): void
}

function createBootEntries(first: LabImage): BootEntries {
  const usual = ({ version }: LabImage) => `Talos-${version}.efi`
  const names = new Map([[keyOf(first), usual(first)]])
  const nameOf = (image: LabImage) => names.get(keyOf(image)) ?? usual(image)

  function free(image: LabImage, running: LabImage): string {
    if (sameImage(image, running)) return nameOf(image)
    return usual(image) === nameOf(running) ? `Talos-${image.version}~1.efi` : usual(image)
  }

  return { nameOf, add: (image, running) => void names.set(keyOf(image), free(image, running)) }
}

const keyOf = ({ version, schematic }: LabImage) => `${version}/${schematic}`

/** As long as a real one, and of the same letters; there every 32 random bytes give one of these. */
export function nodeIdOf(name: string): string {
  return createHash('sha512').update(`identity/${name}`).digest('base64').replaceAll(/[+/=]/g, '').slice(0, 43)
}

function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`node/${name}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

/** The same release of the same schematic. */
export function sameImage(one: LabImage, other: LabImage): boolean {
  return one.version === other.version && one.schematic === other.schematic
}

const messages: Partial<Record<ServiceState, string>> = {
  Preparing: 'Running pre state',
  Running: 'Health check successful',
  Finished: 'Service finished successfully',
  Failed: 'Failed to run task: exit code 1',
  Stopping: 'Sending SIGTERM to task',
}
