import type { SchematicParts, TalosFacts } from '../../core/cluster/cluster.ts'
import { overlayOptionsOf } from '../../core/release/provisions.ts'
import { parseYaml } from '../../yaml.ts'
import { machineIdOf } from './machine-id.ts'
import { asRecord, readFile, readOptional, readSpecs, specOf, textOf, unreadable } from './resources.ts'
import type { Session } from './session.ts'

/** Facts that can't change within a boot: they are read once per boot. */
export type BootFacts = Pick<
  TalosFacts,
  | 'schematic'
  | 'extensions'
  | 'provides'
  | 'machineId'
  | 'uuid'
  | 'kernelArguments'
  | 'secureBoot'
  | 'bootedEntry'
  | 'hasOtherEntry'
  | 'onDisk'
>

const resources = {
  extensions: { namespace: 'runtime', type: 'ExtensionStatuses.runtime.talos.dev' },
  security: { namespace: 'runtime', type: 'SecurityStates.talos.dev', id: 'securitystate' },
  bootedEntry: { namespace: 'runtime', type: 'BootedEntries.talos.dev', id: 'bootedentry' },
  kernelCmdline: { namespace: 'runtime', type: 'KernelCmdlines.runtime.talos.dev', id: 'cmdline' },
  identity: { namespace: 'cluster', type: 'Identities.cluster.talos.dev', id: 'local' },
  systemDisk: { namespace: 'runtime', type: 'SystemDisks.block.talos.dev' },
  system: { namespace: 'hardware', type: 'SystemInformations.hardware.talos.dev', id: 'systeminformation' },
} as const

/** @param isAdmin whether the credentials have the role os:admin, which alone may read files */
export async function readBootFacts(session: Session, isAdmin: boolean): Promise<BootFacts> {
  const names = [resources.security, resources.bootedEntry, resources.kernelCmdline, resources.system]
  const [extensions, machineId, entries, systemDisks, ...specs] = await Promise.all([
    readExtensions(session),
    readMachineId(session),
    isAdmin ? readEntries(session).catch(unreadable) : undefined,
    readSpecs(session, resources.systemDisk),
    ...names.map((name) => readOptional(session, name)),
  ])
  const [security = {}, booted = {}, cmdline = {}, system = {}] = specs.map(asRecord)
  const bootedEntry = textOf(booted['bootedEntry'])
  const signed = textOf(security['pcrSigningKeyFingerprint']) ?? textOf(security['ukiSigningKeyFingerprint'])
  return {
    ...extensions,
    machineId,
    // A board without a UUID reports all zeros or all ones, which identifies nothing.
    uuid: textOf(system['uuid'])?.replace(/^[0f-]+$/i, '') || undefined,
    kernelArguments: textOf(cmdline['cmdline'])?.split(/\s+/).filter(Boolean) ?? [],
    secureBoot: security['secureBoot'] === true || signed !== undefined,
    bootedEntry,
    hasOtherEntry: hasOther(entries, bootedEntry),
    // A release that does not know this kind (before 1.8) says nothing.
    onDisk: systemDisks && systemDisks.size > 0,
  }
}

const loaderEntries = '/sys/firmware/efi/efivars/LoaderEntries-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'

/**
 * The entries that systemd-boot found when it ran last (systemd docs/BOOT_LOADER_INTERFACE.md): names in UTF-16, each
 * with a NUL at its end, after the kernel's four bytes of attributes. Undefined with another boot loader.
 */
async function readEntries(session: Session): Promise<readonly string[] | undefined> {
  const names = (await readFile(session, loaderEntries))?.subarray(4).toString('utf16le').split('\0')
  return names?.filter((name) => name !== '')
}

/**
 * Whether Talos finds another UKI of its own, `Talos-*.efi` (siderolabs/talos internal/app/machined/pkg/runtime/v1alpha1/
 * bootloader/sdboot). The list is of the last start of the loader, and upgrades that are booted by kexec come after it;
 * but each keeps the entry that ran, so that a list with nothing but the running entry still means that there is no other.
 */
function hasOther(entries: readonly string[] | undefined, booted: string | undefined): boolean | undefined {
  if (entries === undefined || booted === undefined) return undefined
  const ours = entries.filter((name) => /^talos-.*\.efi$/i.test(name))
  return ours.length === 0 ? undefined : ours.some((name) => name.toLowerCase() !== booted.toLowerCase())
}

/** The machine's id; undefined where the node does not report it. */
export async function readMachineId(session: Session): Promise<string | undefined> {
  const nodeId = textOf(asRecord(await readOptional(session, resources.identity))['nodeId'])
  return nodeId === undefined ? undefined : machineIdOf(nodeId)
}

/**
 * The Factory adds a virtual extension named `schematic`: its version is the schematic's id, its extra information the
 * schematic itself (siderolabs/image-factory internal/artifacts/schematic.go). An image that no Factory made has only
 * its extensions, whose official names begin with `siderolabs/`.
 */
async function readExtensions({ state }: Session): Promise<Pick<TalosFacts, 'schematic' | 'extensions' | 'provides'>> {
  const names: string[] = []
  for await (const { resource } of state.list(resources.extensions)) {
    const spec = specOf(resource?.spec?.yamlSpec ?? '', resources.extensions.type)
    const { name, version, extraInfo } = asRecord(asRecord(spec)['metadata'])
    if (name === 'schematic' && typeof version === 'string') {
      return { schematic: version, ...readSchematic(extraInfo) }
    }
    // Every build with a kernel module adds `modules.dep`.
    if (typeof name === 'string' && name !== 'modules.dep') names.push(`siderolabs/${name}`)
  }
  return { schematic: undefined, extensions: names, provides: undefined }
}

/** The schematic's own text; parts are undefined where the node does not report it (Talos before 1.7), or it is damaged. */
function readSchematic(extraInfo: unknown): {
  readonly extensions: readonly string[] | undefined
  readonly provides: SchematicParts | undefined
} {
  const schematic = readWhole(extraInfo)
  if (schematic === undefined) return { extensions: undefined, provides: undefined }
  const { overlay, customization } = schematic
  const { systemExtensions, extraKernelArgs, embeddedMachineConfiguration } = asRecord(customization)
  const words = listOf(extraKernelArgs).flatMap((argument) => argument.split(/\s+/).filter(Boolean))
  return {
    extensions: listOf(asRecord(systemExtensions)['officialExtensions']),
    provides: {
      kernelArguments: words,
      overlay: textOf(asRecord(overlay)['name']),
      ...overlayOptionsOf(asRecord(overlay)['options']),
      embeddedConfig: textOf(embeddedMachineConfiguration) !== undefined,
    },
  }
}

/** A text that is damaged tells as little as none. */
function readWhole(extraInfo: unknown): Record<string, unknown> | undefined {
  if (typeof extraInfo !== 'string' || extraInfo === '') return undefined
  try {
    return asRecord(parseYaml(extraInfo, 'the schematic of the node'))
  } catch {
    return undefined
  }
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
