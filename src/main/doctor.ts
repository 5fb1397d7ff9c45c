import process from 'node:process'
import { lifeOf, lifeOfCertificate } from '../adapters/kubernetes/entry.ts'
import type { NutUps } from '../adapters/nut/ups.ts'
import type { TalosAdapter } from '../adapters/talos/talos.ts'
import { fetchByTftp } from '../adapters/tftp/client.ts'
import type {
  ChannelProbe,
  ConfigProbe,
  CredentialLife,
  DoctorPorts,
  MachineProbe,
  UpsProbe,
} from '../core/doctor/ports.ts'
import { messageOf } from '../core/errors.ts'
import { faultLine } from '../core/fault.ts'
import type { Logger } from '../core/log.ts'
import type { ConfigRenderer } from '../core/provision/render.ts'
import type { ChannelConfig } from '../services/notifications/channels/kinds.ts'
import type { QueueSection } from '../services/queue/section.ts'
import { parseServer } from './boot-server-address.ts'
import { isAdminAccess, readKubernetes, readTalos } from './credentials.ts'
import { findFiles, freeSpaceAt, mendFile } from './doctor-files.ts'
import type { Settings } from './settings.ts'
import type { OpenShare } from './wiring.ts'

/** What the doctor's ports are made of. */
export interface DoctorParts {
  readonly settings: Settings
  readonly talos: Pick<TalosAdapter, 'inspect'>
  readonly upses: ReadonlyMap<string, NutUps>
  readonly loginsRefused: ReadonlyMap<string, string>
  readonly share: OpenShare
  /** Whether this process runs the daemon, and so the queue's store. */
  readonly isDaemon: boolean
  /** Makes machine configurations, once it is there. */
  readonly renderer?: () => ConfigRenderer | undefined
}

/** What the doctor looks at, and is made after its ports. */
export interface MadeLater {
  renderer?: ConfigRenderer
}

export function doctorWith(made: MadeLater): (parts: DoctorParts) => DoctorPorts {
  return (parts) => createDoctorPorts({ ...parts, renderer: () => made.renderer })
}

/** What only the doctor asks of the outside. What is large is loaded when it is asked. */
export function createDoctorPorts(parts: DoctorParts): DoctorPorts {
  const { settings, talos, upses, loginsRefused, share } = parts
  return {
    share: {
      write: share.write,
      fetch: (file, most, signal) => fetchByTftp(parseServer(settings.config.share.server), file, { most, signal }),
    },
    nodes: { inspect: talos.inspect },
    upses: probeUpses(upses, loginsRefused),
    get channels() {
      return probeChannels(settings)
    },
    machine: probeMachine(parts),
    get configs() {
      const renderer = parts.renderer?.()
      return renderer && probeConfigs(renderer)
    },
  }
}

function probeConfigs(renderer: ConfigRenderer): ConfigProbe {
  return {
    names: () => renderer.choices().machines,
    check: async (name) => {
      const { role = 'worker', labels = {}, patches = [] } = renderer.named(name) ?? {}
      return (await renderer.render({ name, role, labels, patches }, {})).warnings
    },
  }
}

function probeUpses(upses: ReadonlyMap<string, NutUps>, loginsRefused: ReadonlyMap<string, string>): UpsProbe {
  return {
    details: async (label, signal) => {
      const { variables, commands, numLogins } = await upses.get(label)!.details(signal)
      return { variables, commands, logins: numLogins }
    },
    loginRefused: (label) => loginsRefused.get(label),
    isLoggedIn: (label) => upses.get(label)?.loggedIn === true,
  }
}

function probeChannels(settings: Settings): readonly ChannelProbe[] {
  const { notifications } = settings.config as {
    readonly notifications?: { readonly channels: Readonly<Record<string, ChannelConfig>>; readonly ca?: string }
  }
  return Object.entries(notifications?.channels ?? {}).map(([name, config]) => ({
    name,
    reach: async (signal) => {
      const { reachChannel } = await import('../services/notifications/reach.ts')
      return reachChannel(name, config, { files: settings, log: silent, ca: notifications?.ca }, signal)
    },
  }))
}

function probeMachine({ settings, share, isDaemon }: DoctorParts): MachineProbe {
  const uid = process.geteuid?.() ?? 0
  return {
    configuration: async () => {
      const { checkConfiguration } = await import('../cli/check.ts')
      const { file, faults, warnings } = await checkConfiguration(settings.file, settings.environment, uid)
      return {
        file: file ?? settings.file,
        faults: faults.map((fault) => ({ text: faultLine(fault), isOwn: fault.isOwn === true })),
        warnings: warnings.map(faultLine),
      }
    },
    credentials: () => readLives(settings),
    files: () => findFiles(settings, uid, isDaemon),
    mend: mendFile,
    isDaemon,
    // That of the share where it can hang and harm nobody.
    freeSpace: (path) =>
      path === settings.config.share.directory ? share.freeSpace() : freeSpaceAt(settings.path(path)),
    store: async (signal) => {
      const { queue } = settings.config as { readonly queue?: QueueSection }
      const { readStoreFacts } = await import('../services/queue/facts.ts')
      return readStoreFacts(queue ?? { url: undefined }, settings, signal)
    },
  }
}

/** How long our own credentials live, and whether they are renewed by themselves: those of an admin are, through Talos. */
async function readLives(settings: Settings): Promise<readonly CredentialLife[]> {
  const { talosconfig, kubeconfig } = settings.config.cluster
  const faulty = (name: string) => (error: unknown) => ({
    name,
    what: name,
    life: undefined,
    isRenewed: false,
    fault: messageOf(error),
  })
  const ofTalos = readTalos(settings).then(({ value, file, copyFile, isCopy }): CredentialLife => ({
    name: 'talosconfig',
    what: `the client certificate in ${isCopy ? copyFile : file} (${value.roles.join(', ')})`,
    life: lifeOfCertificate(value.cert),
    isRenewed: value.roles.includes('os:admin'),
  }))
  const isAdmin = await ofTalos.then(
    ({ isRenewed }) => isRenewed,
    () => false,
  )
  return Promise.all([
    ...(talosconfig === undefined ? [] : [ofTalos.catch(faulty('talosconfig'))]),
    ...(kubeconfig === undefined
      ? []
      : [
          readKubernetes(settings, kubeconfig)
            .then(({ value, file, copyFile, isCopy }): CredentialLife => ({
              name: 'kubeconfig',
              what: `the ${value.cert === undefined ? 'token' : 'client certificate'} in ${isCopy ? copyFile : file}`,
              life: lifeOf(value),
              isRenewed: isAdmin && isAdminAccess(value),
            }))
            .catch(faulty('kubeconfig')),
        ]),
  ])
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
