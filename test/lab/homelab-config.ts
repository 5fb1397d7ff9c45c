import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type LabAuthority, withTalosLabel } from './authority.ts'
import type { LabHost } from './host.ts'
import type { TalosNode } from './talos/types.ts'

export interface ConfigOverrides {
  readonly ups?: { readonly host: string; readonly port: number; readonly user?: string; readonly password?: string }
  readonly upgrade?: Readonly<Record<string, unknown>>
  readonly share?: Readonly<Record<string, unknown>>
  readonly power?: Readonly<Record<string, unknown>>
  readonly queue?: Readonly<Record<string, unknown>>
  readonly notifications?: Readonly<Record<string, unknown>>
  readonly api?: Readonly<Record<string, unknown>>
  readonly machineConfig?: Readonly<Record<string, unknown>>
  readonly bootFiles?: Readonly<Record<string, unknown>>
  readonly netboot?: Readonly<Record<string, unknown>>
  readonly factoryUrl?: string
  /** From when to when the talosconfig's certificate is good: a year unless said. */
  readonly life?: { readonly from: Date; readonly to: Date }
  /** Roles in the talosconfig's certificate. */
  readonly roles?: readonly string[]
}

/** The homelab's own schematic, and its id. */
export const homelabSchematic = {
  customization: {
    systemExtensions: { officialExtensions: ['siderolabs/i915', 'siderolabs/iscsi-tools', 'siderolabs/nut-client'] },
  },
}
export const homelabSchematicId = 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595'

/** What a configuration says of the lab it is for. */
export interface LabPlaces {
  readonly nodes: readonly TalosNode[]
  readonly nas: LabHost | undefined
  /** Of Talos. */
  readonly authority: LabAuthority
  kubeconfig(): Promise<string>
  readonly factoryUrl: string
  /** Where magic packets go. */
  readonly wire: { readonly address: string; readonly port: number }
  readonly diskless: readonly string[]
}

/** Writes a configuration, and all the files that it names; returns its path. */
export async function writeLabConfig(directory: string, overrides: ConfigOverrides, lab: LabPlaces): Promise<string> {
  await mkdir(join(directory, 'schematics'), { recursive: true })
  await mkdir(join(directory, 'share'), { recursive: true })
  const file = join(directory, 'caretaker.yaml')
  await Promise.all([
    writeFile(file, stringify(contentOf(overrides, lab))),
    writeFile(join(directory, 'schematics', 'homelab.yaml'), stringify(homelabSchematic)),
    writeSecret(join(directory, 'talosconfig'), await talosconfigOf(overrides, lab)),
    writeSecret(join(directory, 'kubeconfig'), await lab.kubeconfig()),
    writeSecret(join(directory, 'ups-password'), `${overrides.ups?.password ?? 'secret'}\n`),
  ])
  return file
}

async function talosconfigOf(
  { life, roles = ['os:admin'] }: ConfigOverrides,
  { nodes, authority }: LabPlaces,
): Promise<string> {
  const client = await authority.issueClient({ common: 'caretaker', organizations: roles, ...life })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const contexts = {
    lab: {
      endpoints: nodes.filter(({ role }) => role === 'controlplane').map((node) => node.address),
      ca: base64(authority.ca),
      crt: base64(client.cert),
      key: base64(withTalosLabel(client.key)),
    },
  }
  return stringify({ context: 'lab', contexts })
}

function contentOf(overrides: ConfigOverrides, lab: LabPlaces) {
  const {
    ups,
    upgrade,
    share: shareSettings,
    power,
    factoryUrl = lab.factoryUrl,
    life: _,
    roles: __,
    ...more
  } = overrides
  const { nodes, nas, wire, diskless } = lab
  return {
    cluster: { name: 'lab', talosconfig: 'talosconfig', kubeconfig: 'kubeconfig' },
    nodes: nodes.map(({ name, role, address: at, mac }) => ({ name, role, address: at, mac })),
    ...(nas ? { hosts: [hostOf(nas)] } : {}),
    schematic: 'homelab',
    factory: { url: factoryUrl },
    ...imagesFor(diskless),
    share: { directory: 'share', ...shareSettings },
    upgrade: { soak: '0s', settle: '100ms', retryAfter: '1s', nodeEstimate: '1m', ...upgrade },
    ...(ups ? { upses: [upsOf(ups)] } : {}),
    power: quickPower(wire, power),
    ...more,
    state: 'state',
  }
}

function hostOf({ name, address, mac, port }: LabHost) {
  return {
    name,
    nas: true,
    address,
    mac,
    shutdownTimeout: '5s',
    shutdown: { http: { url: `http://${address}:${port}/shutdown` } },
  }
}

/** Of a homelab whose machines take no time. */
function quickPower(wire: LabPlaces['wire'], power: ConfigOverrides['power']) {
  return {
    onBatteryAfter: '0s',
    onMainsAfter: '500ms',
    lowBatteryAfter: '0s',
    unconfirmedLowBatteryAfter: '0s',
    pollInterval: '300ms',
    pollIntervalOnBattery: '100ms',
    drainTimeout: '5s',
    shutdownTimeout: '10s',
    reserve: '5s',
    ...power,
    wake: {
      stableAfter: '500ms',
      minimumRuntime: '0s',
      unknownChargeAfter: '500ms',
      retryInterval: '1s',
      giveUpAfter: '30s',
      broadcast: wire.address,
      port: wire.port,
      ...(power?.['wake'] as object | undefined),
    },
  }
}

/** The file that a node without a disk boots. */
export const bootedBy = (name: string) => `${name}.efi`

/** One for all that have a disk, and one for each node that has none. */
function imagesFor(diskless: readonly string[]) {
  if (diskless.length === 0) return {}
  const own = diskless.map((name) => ({ name, diskless: true, nodes: [name], file: bootedBy(name) }))
  return { images: [{ name: 'disks' }, ...own] }
}

/** An entry of `upses`; its password stands in a file beside the configuration. */
function upsOf({ host, port, user }: { readonly host: string; readonly port: number; readonly user?: string }) {
  return { host, port, ...(user === undefined ? {} : { user, password: { file: 'ups-password' } }) }
}

/** As talosctl and people with care do it: for nobody else to read. */
function writeSecret(file: string, text: string): Promise<void> {
  return writeFile(file, text, { mode: 0o600 })
}
