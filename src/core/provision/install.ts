import { AgentError } from '../errors.ts'
import { type ConfigDocument, kindOf, type MachineConfig, valueAt } from '../machine-config/document.ts'
import type { Contract } from '../machine-config/origin.ts'
import { legacyKind } from '../machine-config/schema.ts'
import { isMapping, type Value } from '../machine-config/tree.ts'
import type { DiskSelector, InstallSetting } from './machines-file.ts'

/**
 * A configuration that says where Talos is installed, in the words of its contract. `talosctl` compares the path of a disk with
 * `disk.dev_path`, which is `/dev/nvme0n1` and never one of its other names: with those nothing would ever be installed
 * (siderolabs/talos, runtime/unattended_install.go).
 *
 * @throws AgentError `misconfigured` where the contract has no words for it
 */
export function withInstall(
  config: MachineConfig,
  { disk, diskSelector, wipe }: InstallSetting,
  contract: Contract,
): MachineConfig {
  if (contract === '1.14') {
    const match = diskSelector === undefined ? matchOfPath(disk!) : matchOf(diskSelector)
    return changed(config, 'UnattendedInstallConfig', (document) => ({
      ...document,
      provisioning: { ...asMapping(document['provisioning']), diskSelector: { match }, wipe },
    }))
  }
  if (diskSelector?.match !== undefined)
    throw new AgentError(
      'misconfigured',
      'install.diskSelector.match needs Talos 1.14: name the disk, or its serial, wwid or model',
    )
  const where = diskSelector === undefined ? { disk: disk! } : { diskSelector: { ...selectorOf(diskSelector) } }
  return changed(config, legacyKind, (document) => ({
    ...document,
    machine: {
      ...asMapping(document['machine']),
      install: { ...where, ...asMapping(valueAt(document, 'machine', 'install')), wipe },
    },
  }))
}

function changed(
  config: MachineConfig,
  kind: string,
  change: (document: ConfigDocument) => ConfigDocument,
): MachineConfig {
  return config.map((document) => (kindOf(document) === kind ? change(document) : document))
}

function asMapping(value: Value | undefined): { readonly [key: string]: Value } {
  return isMapping(value ?? null) ? (value as { readonly [key: string]: Value }) : {}
}

function selectorOf(selector: DiskSelector): { readonly [key: string]: string } {
  return Object.fromEntries(Object.entries(selector).flatMap(([key, one]) => (one === undefined ? [] : [[key, one]])))
}

/** `/dev/nvme0n1` is a disk's own name; all others lead to it. */
function matchOfPath(disk: string): string {
  const isOwn = /^\/dev\/[^/]+$/.test(disk)
  return isOwn ? `disk.dev_path == ${JSON.stringify(disk)}` : `${JSON.stringify(disk)} in disk.symlinks`
}

/** As Talos itself makes it of a selector (v1alpha1_provider.go, DiskMatchExpression). */
function matchOf(selector: DiskSelector): string {
  if (selector.match !== undefined) return selector.match
  const { size, type, uuid, wwid, model, serial, modalias, busPath } = selector
  const globbed = { uuid, wwid, model, serial, modalias, bus_path: busPath }
  const kinds = {
    nvme: 'disk.transport == "nvme"',
    sd: 'disk.transport == "mmc"',
    hdd: 'disk.rotational',
    ssd: '!disk.rotational',
  }
  return [
    ...(size === undefined ? [] : [sizeMatch(size)]),
    ...Object.entries(globbed).flatMap(([field, pattern]) =>
      pattern === undefined ? [] : [`glob(${JSON.stringify(pattern)}, disk.${field})`],
    ),
    ...(type === undefined ? [] : [kinds[type]]),
    'disk.transport != ""',
    '!disk.readonly',
    '!disk.cdrom',
  ].join(' && ')
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1_024,
  MIB: 1_048_576,
  GIB: 1_073_741_824,
  TIB: 1_099_511_627_776,
}

/** `>= 100GB`, as a selector has it; undefined where it is none. */
export function parseSize(text: string): { readonly op: string; readonly bytes: number } | undefined {
  const [, op, number, unit] =
    /^(==|>=|<=|>|<|) {0,9}(\d{1,15}(?:\.\d{1,9})?) {0,9}([KMGT]?i?B?)$/i.exec(text.trim()) ?? []
  const upper = (unit ?? '').toUpperCase()
  const factor = units[upper] ?? units[`${upper}B`]
  if (number === undefined || factor === undefined) return undefined
  return { op: op === '' ? '==' : op!, bytes: Math.round(Number(number) * factor) }
}

function sizeMatch(text: string): string {
  const { op, bytes } = parseSize(text) ?? { op: '==', bytes: 0 }
  return `disk.size ${op} ${bytes}u`
}

/** What a person should know of where a configuration installs, as it is after all patches. */
export function installWarnings(config: MachineConfig): readonly string[] {
  const first = (...path: readonly string[]) =>
    config.map((document) => valueAt(document, ...path)).find((one) => one !== undefined)
  const textOf = (value: Value | undefined) => (typeof value === 'string' ? value : '')
  const match = textOf(first('provisioning', 'diskSelector', 'match'))
  const selector = first('machine', 'install', 'diskSelector')
  const named = /\/dev\/(?:sd|hd|vd)[a-z]+\b/.exec(`${textOf(first('machine', 'install', 'disk'))} ${match}`)?.[0]
  const warnings: string[] = []
  if (named !== undefined)
    warnings.push(
      `${named} may be another disk after a restart, and what is on it is lost: name it by /dev/disk/by-id/…, or select it by its serial or wwid`,
    )
  const isVague =
    selector === undefined
      ? match !== '' && !/serial|wwid|uuid|symlinks|dev_path|bus_path/.test(match)
      : isMapping(selector) && !['serial', 'wwid', 'uuid', 'busPath'].some((key) => key in selector)
  if (isVague)
    warnings.push('several disks may fit the diskSelector, and Talos takes the first one: add its serial or wwid')
  return warnings
}
