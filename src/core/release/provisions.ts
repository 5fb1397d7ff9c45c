import type { Node, SchematicParts } from '../cluster/cluster.ts'
import { kernelArgumentsOf, type Schematic } from './schematic.ts'

/** What an image brings to a node through its schematic, and what a node would lose with another one. */

/**
 * Extensions that were renamed. A schematic may hold either name, the Factory takes both, and a node reports what its
 * schematic says (siderolabs/image-factory internal/profile/profile.go ExtensionNameAlias).
 */
const renamed: Readonly<Record<string, string>> = {
  'siderolabs/i915-ucode': 'siderolabs/i915',
  'siderolabs/amdgpu-firmware': 'siderolabs/amdgpu',
  'siderolabs/nvidia-container-toolkit': 'siderolabs/nvidia-container-toolkit-lts',
  'siderolabs/nvidia-open-gpu-kernel-modules': 'siderolabs/nvidia-open-gpu-kernel-modules-lts',
  'siderolabs/nonfree-kmod-nvidia': 'siderolabs/nonfree-kmod-nvidia-lts',
  'siderolabs/nvidia-fabricmanager': 'siderolabs/nvidia-fabric-manager-lts',
  'siderolabs/xe-guest-utilities': 'siderolabs/xen-guest-agent',
  'siderolabs/v4l-uvc': 'siderolabs/v4l-uvc-drivers',
  'siderolabs/usb-modem': 'siderolabs/usb-modem-drivers',
  'siderolabs/gasket': 'siderolabs/gasket-driver',
  'siderolabs/talos-vmtoolsd': 'siderolabs/vmtoolsd-guest-agent',
}

/** The name that an extension has now. */
export function canonicalExtension(name: string): string {
  return Object.hasOwn(renamed, name) ? renamed[name]! : name
}

/** Of these extensions, those that the node does not have under any of their names. */
export function lackingExtensions(wanted: readonly string[], present: readonly string[]): readonly string[] {
  const known = new Set(present.map(canonicalExtension))
  return wanted.filter((extension) => !known.has(canonicalExtension(extension)))
}

/** What a schematic provides beside extensions. */
export function partsOf(schematic: Schematic): SchematicParts {
  return {
    kernelArguments: kernelArgumentsOf(schematic),
    overlay: schematic.overlay?.name,
    ...overlayOptionsOf(schematic.overlay?.options),
    embeddedConfig: (schematic.customization?.embeddedMachineConfiguration ?? '') !== '',
  }
}

/** The options of an overlay as they are compared; nothing where there are none. */
export function overlayOptionsOf(options: unknown): Pick<SchematicParts, 'overlayOptions'> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return {}
  const entries = Object.entries(options).map(([key, value]) => [key, spelled(value)] as const)
  return entries.length === 0 ? {} : { overlayOptions: Object.fromEntries(entries) }
}

/** JSON with the keys of maps in order: the Factory sorts them, and people don't. */
function spelled(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

/** What a node loses that does not report its extensions and gets another schematic: nobody knows. */
export const unknownExtensions = 'extensions'
/** A machine configuration inside the image, by the name of its key in a schematic. */
const embedded = 'embeddedMachineConfiguration'

/** What the node is to get. */
export interface Provisions {
  /** The id of its schematic. */
  schematicOf(node: string): string
  extensionsOf(node: string): readonly string[]
  partsOf(node: string): SchematicParts
}

/**
 * What the node has now and would not have with the target, by name: extensions as the Factory names them, kernel
 * arguments as they are written, `overlay:rpi_generic`, an option of it that is gone or has another value as
 * `overlay:rpi_generic/configTxt`, `embeddedMachineConfiguration`. What is in `mayLose` is left out.
 * A node that does not report its extensions may lose any of them (`extensions`), unless it keeps its schematic, whose id
 * is a hash of all that is in it. Where the node does not report its schematic, the arguments that it booted with are compared, less those of Talos itself.
 */
export function lossesOf({ name, talos }: Node, target: Provisions, mayLose: readonly string[]): readonly string[] {
  if (!talos.ok) return []
  const { schematic, extensions, provides, kernelArguments } = talos.value
  const kept = target.partsOf(name)
  const has = provides?.kernelArguments ?? kernelArguments.filter((argument) => !isOfTalos(argument))
  const losses = [
    ...(extensions ? lackingExtensions(extensions, target.extensionsOf(name)) : []),
    ...(extensions || schematic === target.schematicOf(name) ? [] : [unknownExtensions]),
    ...has.filter((argument) => !kept.kernelArguments.includes(argument)),
    ...(provides ? overlayLosses(provides, kept) : []),
    ...(provides?.embeddedConfig && !kept.embeddedConfig ? [embedded] : []),
  ]
  const accepted = piecesOf(mayLose)
  return [...new Set(losses)].filter((loss) => !follow(accepted, piecesOf([loss])))
}

/**
 * Of the names that nodes are to be allowed to lose, those that none of them has. Empty where a node does not tell what it
 * has: then nobody knows.
 */
export function strangePieces(names: readonly string[], nodes: readonly Node[]): readonly string[] {
  if (nodes.some(({ talos }) => !talos.ok || !talos.value.extensions)) return []
  const present = new Set(piecesOf([unknownExtensions, embedded, ...nodes.flatMap(namesOn)]))
  return piecesOf(names).filter(
    (piece) => !present.has(piece) && !present.has(canonicalExtension(`siderolabs/${piece}`)),
  )
}

/** All that a node has and may lose, by the names of `lossesOf`. */
function namesOn({ talos }: Node): readonly string[] {
  if (!talos.ok) return []
  const { extensions = [], provides, kernelArguments: booted } = talos.value
  const { overlay, overlayOptions = {}, kernelArguments = [] }: Partial<SchematicParts> = provides ?? {}
  const ofOverlay =
    overlay === undefined
      ? []
      : [nameOfOverlay(overlay), ...Object.keys(overlayOptions).map((key) => nameOfOverlay(overlay, key))]
  return [...extensions, ...booted, ...kernelArguments, ...ofOverlay]
}

function nameOfOverlay(overlay: string, option?: string): string {
  return option === undefined ? `overlay:${overlay}` : `overlay:${overlay}/${option}`
}

/** Another overlay has options of its own: then the overlay itself is what is lost. */
function overlayLosses({ overlay, overlayOptions = {} }: SchematicParts, kept: SchematicParts): readonly string[] {
  if (overlay === undefined) return []
  if (overlay !== kept.overlay) return [nameOfOverlay(overlay)]
  const options = new Map(Object.entries(kept.overlayOptions ?? {}))
  return Object.entries(overlayOptions).flatMap(([key, value]) =>
    options.get(key) === value ? [] : [nameOfOverlay(overlay, key)],
  )
}

/** Names come from a command line with commas between them, and kernel arguments have commas of their own: `console=ttyS0,115200`. */
function piecesOf(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => name.split(',')).map((piece) => canonicalExtension(piece.trim()))
}

/** Whether the pieces stand in the list, one behind the other. An official extension may go without `siderolabs/`. */
function follow(list: readonly string[], pieces: readonly string[]): boolean {
  const isNamed = (name: string | undefined, piece: string) =>
    name === piece || (name !== undefined && canonicalExtension(`siderolabs/${name}`) === piece)
  return list.some((_, index) => pieces.every((piece, offset) => isNamed(list[index + offset], piece)))
}

/**
 * Keys of arguments that Talos, its boot loaders and netboot put on the kernel's command line by themselves
 * (siderolabs/talos pkg/machinery/kernel/kernel.go, pkg/imager/imager.go).
 */
const ofTalos = new Set([
  'BOOTIF',
  'BOOT_IMAGE',
  'console',
  'consoleblank',
  'ima_appraise',
  'ima_hash',
  'ima_template',
  'init_on_alloc',
  'initrd',
  'lockdown',
  'module.sig_enforce',
  'nvme_core.io_timeout',
  'printk.devkmsg',
  'proc_mem.force_override',
  'pti',
  'random.trust_cpu',
  'root',
  'selinux',
  'slab_nomerge',
  'sysctl.kernel.kexec_load_disabled',
])

function isOfTalos(argument: string): boolean {
  const [key = ''] = argument.split('=')
  return ofTalos.has(key) || key.startsWith('talos.')
}
