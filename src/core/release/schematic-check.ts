import { nearest } from '../spelling.ts'
import { compareVersions } from '../version.ts'
import { canonicalExtension } from './provisions.ts'
import type { Schematic } from './schematic.ts'

/** What can be had for one release: the Factory's catalogues. */
export interface Catalogue {
  readonly version: string
  /** Official extensions, `siderolabs/i915`. */
  readonly extensions: readonly string[]
  /** By name, `rpi_generic`, the image that each is in, `siderolabs/sbc-raspberrypi`. */
  readonly overlays: readonly { readonly name: string; readonly image: string }[]
}

export interface SchematicFinding {
  /** `error`: no image is built with it. `warning`: it is not what it looks like. `note`: good to know. */
  readonly severity: 'error' | 'warning' | 'note'
  readonly text: string
}

/** What is wrong with a schematic, for each release that may come. The Factory takes any names, and fails when it builds. */
export function checkSchematic(schematic: Schematic, catalogues: readonly Catalogue[]): readonly SchematicFinding[] {
  const found = [
    ...checkExtensions(schematic, catalogues),
    ...checkOverlay(schematic, catalogues),
    ...checkReleases(schematic, catalogues),
    ...ignoredByUkis(schematic),
  ]
  const order = ['error', 'warning', 'note'] as const
  return found.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
}

function extensionsOf({ customization }: Schematic): readonly string[] {
  return customization?.systemExtensions?.officialExtensions ?? []
}

function checkExtensions(schematic: Schematic, catalogues: readonly Catalogue[]): readonly SchematicFinding[] {
  const named = extensionsOf(schematic)
  const unique = [...new Set(named)]
  return unique.flatMap((name): SchematicFinding[] => {
    const present = canonicalExtension(name)
    const missing = catalogues.filter(({ extensions }) => !extensions.map(canonicalExtension).includes(present))
    const newest = missing.at(-1)
    return [
      ...(newest
        ? [{ severity: 'error' as const, text: `${name} is not in ${listed(missing)}${meant(name, newest)}` }]
        : []),
      ...(present === name
        ? []
        : [{ severity: 'note' as const, text: `${name} is called ${present} now: the Factory takes both names` }]),
      ...(named.filter((one) => canonicalExtension(one) === present).length > 1
        ? [{ severity: 'warning' as const, text: `${name} is listed more than once: once is enough` }]
        : []),
    ]
  })
}

/** The nearest name, also where only its first part is left out. */
function meant(name: string, { extensions }: Catalogue): string {
  const whole = `siderolabs/${name}`
  const near = extensions.includes(whole) ? whole : nearest(name, extensions)
  return near === undefined ? '' : `; did you mean ${near}?`
}

function checkOverlay({ overlay }: Schematic, catalogues: readonly Catalogue[]): readonly SchematicFinding[] {
  if (!overlay) return []
  const { name, image } = overlay
  const missing = catalogues.filter(({ overlays }) => !overlays.some((one) => one.name === name && one.image === image))
  const newest = missing.at(-1)
  if (!newest) return []
  const elsewhere = newest.overlays.find((one) => one.name === name)
  const near = nearest(
    name,
    newest.overlays.map((one) => one.name),
  )
  const hint = elsewhere
    ? `; it is in ${elsewhere.image}`
    : near === undefined
      ? ''
      : `; did you mean ${near}, in ${newest.overlays.find((one) => one.name === near)!.image}?`
  return [{ severity: 'error', text: `the overlay ${name} of ${image} is not in ${listed(missing)}${hint}` }]
}

/** From which release on the Factory takes each part (siderolabs/image-factory internal/profile/profile.go). */
const since = { overlay: 'v1.7.0', embedded: 'v1.12.0', arguments: 'v1.10.0' } as const

function checkReleases(
  { overlay, customization }: Schematic,
  catalogues: readonly Catalogue[],
): readonly SchematicFinding[] {
  const before = (version: string) => catalogues.filter((one) => compareVersions(one.version, version) < 0)
  const needs = (part: unknown, version: string, text: string, severity: SchematicFinding['severity']) => {
    const older = part === undefined || part === '' ? [] : before(version)
    return older.length === 0
      ? []
      : [{ severity, text: `${text}: that takes ${version}, and ${listed(older)} may come` }]
  }
  return [
    ...needs(overlay, since.overlay, 'it has an overlay', 'error'),
    ...needs(
      customization?.embeddedMachineConfiguration,
      since.embedded,
      'it has an embedded machine configuration',
      'error',
    ),
    ...needs(
      customization?.extraKernelArgs?.[0],
      since.arguments,
      'a UKI without SecureBoot ignores its kernel arguments',
      'warning',
    ),
  ]
}

/** What only installers and disk images honour (`EnhanceFromSchematic`). */
function ignoredByUkis({ customization = {} }: Schematic): readonly SchematicFinding[] {
  const { meta = [], bootloader, diskImage, secureboot } = customization
  const parts = [
    ...(meta.length > 0 ? ['meta'] : []),
    ...(bootloader === undefined || bootloader === 'none' ? [] : ['bootloader']),
    ...(diskImage?.sectorSize === undefined ? [] : ['diskImage']),
    ...((secureboot?.enrollKeys ?? '') === '' ? [] : ['secureboot.enrollKeys']),
  ]
  if (parts.length === 0) return []
  return [{ severity: 'note', text: `a UKI ignores ${parts.join(', ')}: machines that boot from the share do without` }]
}

function listed(catalogues: readonly Catalogue[]): string {
  return catalogues.map(({ version }) => version).join(', ')
}

/** As many minor versions are looked at, the newest of each. */
const mostMinors = 4

/**
 * The releases that may come, oldest first: what runs, the target, and of each minor version from the oldest that runs on
 * the newest.
 */
export function releasesAhead(
  offered: readonly string[],
  { running, target }: { readonly running: readonly string[]; readonly target: string | undefined },
): readonly string[] {
  const [oldest] = running.toSorted(compareVersions)
  const newestOfEach = new Map<string, string>()
  for (const version of offered.filter((one) => !one.includes('-')).toSorted(compareVersions)) {
    if (oldest !== undefined && compareVersions(version, oldest) < 0) continue
    newestOfEach.set(version.split('.').slice(0, 2).join('.'), version)
  }
  const ahead = [...newestOfEach.values()].slice(oldest === undefined ? -1 : -mostMinors)
  const known = new Set(offered)
  const named = [...running, ...(target === undefined ? [] : [target])].filter((version) => known.has(version))
  return [...new Set([...named, ...ahead])].toSorted(compareVersions)
}
