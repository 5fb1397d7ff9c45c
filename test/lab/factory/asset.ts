import { refusal } from './answers.ts'
import type { LabFactoryFaults } from './faults.ts'
import { knownPlatforms, parsePath, type Profile } from './path.ts'
import type { Parameters } from './routing.ts'
import { readSchematic, type Schematic } from './schematic.ts'
import { parseVersion } from './versions.ts'
import { isAtLeast } from '../uki-writer.ts'

/** What a path names, when it can be built. */
export interface Asset {
  /** What the cache knows it by. */
  readonly key: string
  readonly version: string
  readonly profile: Profile
  readonly schematic: Schematic
}

/** What assets can be built of. */
export interface AssetOffer {
  readonly schematics: ReadonlyMap<string, string>
  readonly versions: ReadonlySet<string>
  readonly faults: LabFactoryFaults
  /** Refuses a release that is not offered. */
  readonly extensionsOf: (version: string) => readonly string[]
  readonly isBuilt: (key: string) => boolean
}

/** The checks of internal/frontend/http/image.go and internal/profile/profile.go, in their order. */
export function checkAsset(parameters: Parameters, offer: AssetOffer): Asset {
  const { schematics, versions, faults, extensionsOf, isBuilt } = offer
  const { schematic: id = '', path = '' } = parameters
  const yaml = schematics.get(id)
  if (yaml === undefined) throw refusal(404, `schematic ID "${id}" not found`)
  const version = parseVersion(parameters['version'] ?? '')
  const profile = parsePath(path)
  const schematic = readSchematic(yaml)
  const enhancing = 'error enhancing profile from schematic:'
  const wanted = schematic.customization.systemExtensions?.officialExtensions ?? []
  if (wanted.length > 0) {
    if (!versions.has(version)) {
      throw refusal(404, `${enhancing} error getting official extensions: version ${version.slice(1)} is not available`)
    }
    const unknown = wanted.find((name) => !extensionsOf(version).includes(name))
    if (unknown !== undefined) {
      throw refusal(400, `${enhancing} official extension "${unknown}" is not available for Talos version ${version}`)
    }
  }
  if (schematic.overlay && !isAtLeast(version, 1, 7)) {
    throw refusal(400, `${enhancing} overlay is not supported for Talos version ${version}`)
  }
  if (schematic.customization.embeddedMachineConfiguration !== undefined && !isAtLeast(version, 1, 12)) {
    throw refusal(400, `${enhancing} embedding configuration is not supported for Talos version ${version}`)
  }
  if (profile.secureboot) throw refusal(400, `${enhancing} secure boot is disabled`)
  const key = [id, version, path, faults.rebuilt ? 'again' : ''].join('/')
  // An image that was built before outlives its release's place in the list: the cache is asked first.
  if (!versions.has(version) && !isBuilt(key)) {
    throw refusal(404, `failed to get kernel: version ${version.slice(1)} is not available`)
  }
  const possible = knownPlatforms.has(profile.platform) && (profile.kind !== 'uki' || isAtLeast(version, 1, 5))
  if (!possible) throw refusal(500, 'internal server error')
  return { key, version, profile, schematic }
}
