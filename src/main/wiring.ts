import { join } from 'node:path'
import { createChecks } from '../adapters/checks/checks.ts'
import { createNetbootProbe } from '../adapters/dhcp/probe.ts'
import { withBandwidth } from '../adapters/factory/bandwidth.ts'
import { createApi } from '../adapters/kubernetes/api.ts'
import { type Access, handedOut, parseKubeconfig } from '../adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../adapters/kubernetes/kubernetes.ts'
import { createObjects } from '../adapters/kubernetes/objects.ts'
import type { NutUps } from '../adapters/nut/ups.ts'
import { type ApartShare, createApartShare } from '../adapters/share/apart/apart.ts'
import { writeProbe } from '../adapters/share/probe.ts'
import { createShare } from '../adapters/share/share.ts'
import { createSnapshots } from '../adapters/snapshots/snapshots.ts'
import { createBootServer } from '../adapters/tftp/boot-server.ts'
import { createEventSinks } from '../adapters/talos/event-sink.ts'
import { createMaintenanceApi } from '../adapters/talos/maintenance.ts'
import { createTalos, type TalosAdapter } from '../adapters/talos/talos.ts'
import type { Credentials } from '../adapters/talos/talosconfig.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { DoctorPorts } from '../core/doctor/ports.ts'
import type { Logger } from '../core/log.ts'
import type { Meter } from '../core/metrics/meter.ts'
import type { Ports } from '../core/ports.ts'
import type { BootServer } from '../core/release/served.ts'
import type { Calendar } from '../core/upgrade/ports.ts'
import type { Share } from '../core/release/ports.ts'
import { knownBytesIn } from '../operations/known-bytes.ts'
import { recallSchematic } from '../operations/known-schematic.ts'
import { parseServer } from './boot-server-address.ts'
import { accessFrom, keepKubernetes, keepTalos, type Sourced } from './credentials.ts'
import { freeSpaceAt } from './doctor-files.ts'
import { type FactoryTold, keepSigners, openFactories } from './factories.ts'
import { isMissingFile } from './file-gate.ts'
import type { KeptFile } from './kept-file.ts'
import { absenceIn, withAbsence } from './absence.ts'
import { followMachines } from './machines.ts'
import { missingFor } from './missing.ts'
import { renewableKubernetes, renewableTalos } from './renewable.ts'
import type { Renewable } from './renewal.ts'
import type { Settings } from './settings.ts'
import { startShareProcess } from './share-process.ts'
import { followUpses, type UpsesTold } from './upses.ts'

/** How long a control plane may take to hand out a kubeconfig, in ms. */
const kubeconfigWithin = 5_000

export interface World extends AsyncDisposable {
  readonly ports: Ports
  readonly upses: ReadonlyMap<string, NutUps>
  /** Our own credentials, whose end is to be watched. */
  readonly credentials: readonly Renewable[]
  /** What upsd last said to our login, by the UPS's label, where it refused it. */
  readonly loginsRefused: ReadonlyMap<string, string>
  /** What is missing, and what it is for, a sentence each. */
  readonly missing: readonly string[]
  /** The cluster's endpoint as its control planes have it: `https://192.168.0.2:6443`. @throws AgentError where none answers */
  endpoint(): Promise<string>
  /** The CA of the nodes, PEM. @throws AgentError */
  authority(): Promise<string>
}

/** Callbacks for what people should know. */
export interface WorldTold extends UpsesTold, FactoryTold {
  /** The talosconfig or the kubeconfig can't be used and why, or with undefined can again; the last good one is used. */
  credentials?(name: 'talosconfig' | 'kubeconfig', why: string | undefined): void
  /** The secrets of a machine can't be read and why, or with undefined can again. */
  machine?(name: string, why: string | undefined): void
}

export interface WorldOptions {
  readonly settings: Settings
  readonly journal: Journal
  readonly told?: WorldTold
  readonly log?: Logger
  readonly meter?: Meter
  /**
   * A daemon starts without credentials that are not there yet, and, where it has run before, whatever is wrong with
   * files that the configuration names: it guards the power with what is left.
   */
  readonly isDaemon?: boolean
  /** Makes what only the doctor asks; without it nobody does. */
  readonly doctor?: (parts: {
    readonly settings: Settings
    readonly talos: TalosAdapter
    readonly upses: ReadonlyMap<string, NutUps>
    readonly loginsRefused: ReadonlyMap<string, string>
    readonly share: OpenShare
    readonly isDaemon: boolean
  }) => DoctorPorts
}

/**
 * Makes every real port from the configuration. Nothing is contacted yet; files that are named are read, and read again
 * when they change.
 *
 * @throws AgentError `misconfigured`
 */
export async function openWorld(options: WorldOptions): Promise<World> {
  const { settings, journal, told = {}, log, meter, isDaemon } = options
  const { config } = settings
  const mayLack = () => isDaemon === true && settings.hasRun
  const { keptTalos, keptKubernetes } = await openCredentials(options)
  const talos = createTalos({
    nodes: () => settings.config.nodes,
    credentials: async () => (await keptTalos.current()).value,
  })
  const api = createApi({
    onDate: (at) => told.time?.('the Kubernetes API', at),
    access: keptKubernetes === undefined ? () => askForAccess(talos, settings) : accessFrom(keptKubernetes),
  })

  const loginsRefused = new Map<string, string>()
  const upses = await followUpses(settings, { ...told, login: whenNew(loginsRefused, told.login) }, mayLack)
  const upgrade = followUpgrade(settings)
  const share = openShare(options, await keepSigners({ settings, told, canWait: mayLack }))
  const ports: Ports = {
    factory: withBandwidth(
      await openFactories({ settings, journal, told, meter, canWait: mayLack }),
      () => settings.config.share.bandwidth,
    ),
    share,
    bootServer: openBootServer(settings),
    talos: isDaemon ? withAbsence(talos, absenceIn(journal)) : talos,
    kubernetes: createKubernetes(api),
    upses,
    ...(await followMachines({ settings, log, canWait: mayLack, trouble: (name, why) => told.machine?.(name, why) })),
    netboot: createNetbootProbe({ readFile: readFirst }),
    checks: createChecks({ objects: createObjects(api) }),
    provision: { maintenance: createMaintenanceApi(), events: createEventSinks(), members: talos },
    get snapshots() {
      return upgrade.snapshots()
    },
    get calendar() {
      return upgrade.calendar()
    },
    journal,
    doctor: options.doctor?.({ settings, talos, upses, loginsRefused, share, isDaemon: isDaemon === true }),
  }
  return {
    ports,
    upses,
    credentials: [
      renewableTalos({ kept: keptTalos, talos, config }),
      ...(keptKubernetes ? [renewableKubernetes({ kept: keptKubernetes, keptTalos, talos, config })] : []),
    ],
    loginsRefused,
    endpoint: async () => (await askForAccess(talos, settings)).server.href.replace(/\/$/, ''),
    authority: async () => (await keptTalos.current()).value.ca,
    get missing() {
      const isThere = (kept: KeptFile<unknown> | undefined) => kept?.last !== undefined
      return missingFor(settings, { talosconfig: isThere(keptTalos), kubeconfig: isThere(keptKubernetes) })
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...upses.values()].map((ups) => ups[Symbol.asyncDispose]()))
      api[Symbol.dispose]()
      share[Symbol.dispose]()
    },
  }
}

/** The share, and what the doctor asks of it. */
export type OpenShare = Pick<ApartShare, keyof Share | 'write' | 'freeSpace'>

/** A daemon works on it in processes of their own: it must go on where a mount hangs. A command does one thing and ends. */
function openShare(
  { settings, journal, isDaemon }: WorldOptions,
  signedBy: () => Promise<readonly string[]>,
): ApartShare {
  const directory = settings.path(settings.config.share.directory)
  const schematicOf = (id: string) => recallSchematic(journal, id)
  const means = { directory, schematicOf, signedBy, memory: knownBytesIn(journal) }
  if (isDaemon) return createApartShare({ ...means, start: () => startShareProcess(directory) })
  return {
    ...createShare(means),
    write: (bytes, signal) => writeProbe(directory, bytes, signal),
    freeSpace: () => freeSpaceAt(directory),
    [Symbol.dispose]: () => {},
  }
}

async function openCredentials({ settings, told = {}, log, isDaemon }: WorldOptions) {
  const { config, hasRun } = settings
  const trouble = (name: 'talosconfig' | 'kubeconfig') => ({
    trouble: (why: string | undefined) => {
      if (why !== undefined)
        log?.warn({ credentials: name, reason: why }, 'credentials not used; the last good ones stay in use')
      told.credentials?.(name, why)
    },
    canWait: (error: unknown) => isDaemon === true && (hasRun || isMissingFile(error)),
  })
  const { talosconfig, kubeconfig } = config.cluster
  const keptTalos = talosconfig === undefined ? noTalosconfig() : await keepTalos(settings, trouble('talosconfig'))
  const keptKubernetes =
    kubeconfig === undefined ? undefined : await keepKubernetes(settings, kubeconfig, trouble('kubeconfig'))
  // What was read well is settled, whatever was wrong with it before our start.
  if (talosconfig === undefined || keptTalos.last) told.credentials?.('talosconfig', undefined)
  if (!keptKubernetes || keptKubernetes.last) told.credentials?.('kubeconfig', undefined)
  for (const last of [keptTalos.last, keptKubernetes?.last])
    if (last?.isCopy) log?.info({}, `${last.copyFile} is used instead of ${last.file}: it was renewed`)
  return { keptTalos, keptKubernetes }
}

/** The first block of a file over TFTP, with the size of the whole: its client is loaded when somebody asks. */
async function readFirst(server: string, file: string, signal: AbortSignal) {
  const { fetchByTftp } = await import('../adapters/tftp/client.ts')
  return fetchByTftp({ host: server }, file, { most: 1, signal })
}

/** The TFTP server of the configuration, where there is one. */
export function openBootServer({ config: { share } }: Pick<Settings, 'config'>): BootServer | undefined {
  return share.server === undefined ? undefined : createBootServer(share.server, parseServer(share.server))
}

/** Without a configured talosconfig every call to a node fails with this. */
function noTalosconfig(): KeptFile<Sourced<Credentials>> {
  const refuse = async () => {
    throw new AgentError('misconfigured', 'no talosconfig is configured: set cluster.talosconfig')
  }
  return { last: undefined, current: refuse, reread: refuse }
}

/** What the section `upgrade` names, made anew when it names something else. */
function followUpgrade(settings: Settings) {
  const { path } = settings
  const snapshots = remade(
    () => settings.config.upgrade.snapshots,
    ({ directory, keep }) =>
      createSnapshots({ directory: path(directory ?? join(settings.config.state, 'snapshots')), keep }),
  )
  const calendar = remade(
    () => settings.config.upgrade,
    ({ calendar: source, timeZone }) =>
      source === undefined ? undefined : openCalendar(isUrl(source) ? source : path(source), timeZone),
  )
  return { snapshots, calendar }
}

/** Made from a setting, and made again when the setting changes. */
function remade<Setting, T>(setting: () => Setting, make: (setting: Setting) => T): () => T {
  let made: { readonly of: string; readonly value: T } | undefined
  return () => {
    const present = setting()
    const of = JSON.stringify(present)
    if (made?.of !== of) made = { of, value: make(present) }
    return made.value
  }
}

/** Passes on what is new, and remembers it. */
function whenNew(refused: Map<string, string>, told: UpsesTold['login']): NonNullable<UpsesTold['login']> {
  return (label, refusal) => {
    if (refusal === undefined) refused.delete(label)
    else if (refused.get(label) === refusal) return
    else refused.set(label, refusal)
    told?.(label, refusal)
  }
}

/** A kubeconfig of an admin, as the first control plane that answers hands it out (Talos' Kubeconfig call). */
async function askForAccess(talos: TalosAdapter, { config }: Settings): Promise<Access> {
  let last: unknown = new AgentError('misconfigured', 'there is no kubeconfig, and no control plane to ask for one')
  for (const { name, role } of config.nodes) {
    if (role !== 'controlplane') continue
    try {
      const text = await talos.kubeconfig(name, AbortSignal.timeout(kubeconfigWithin))
      return parseKubeconfig(text, `the kubeconfig of ${name}`, handedOut)
    } catch (error) {
      last = error
    }
  }
  throw last
}

/** Loads its packages with the first request. */
function openCalendar(source: string, timeZone: string): Calendar {
  let opening: Promise<Calendar> | undefined
  return {
    blackouts: async (now, signal) => {
      opening ??= import('../adapters/calendar/calendar.ts').then(({ createCalendar }) =>
        createCalendar({ source, timeZone }),
      )
      return (await opening).blackouts(now, signal)
    },
  }
}

/** Whether a calendar is a URL and not a file. */
export function isUrl(text: string): boolean {
  return /^(https?|webcal):/.test(text)
}
