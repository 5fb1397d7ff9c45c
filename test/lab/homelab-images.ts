import { stringify } from 'yaml'
import type { LabFactory } from './factory/factory.ts'
import { readSchematic, type Schematic } from './factory/schematic.ts'
import { homelabSchematic, homelabSchematicId } from './homelab-config.ts'

/** What is in the images that the Factory makes: of a schematic that it knows, or of the one that the nodes came with. */
export function readImages(factory: LabFactory) {
  function resolveImage(ref: string) {
    const found = /^(.+)\/metal-installer\/([0-9a-f]{64}):(v\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(ref)
    if (!found || found[1] !== new URL(factory.url).host || !factory.schematics.has(found[2]!)) return undefined
    return { schematic: found[2]!, version: found[3]! }
  }

  function customizationOf(id: string): Schematic['customization'] | undefined {
    const yaml = id === homelabSchematicId ? stringify(homelabSchematic) : factory.schematics.get(id)
    return yaml === undefined ? undefined : readSchematic(yaml).customization
  }

  function extensionsOf(id: string): readonly string[] | undefined {
    const customization = customizationOf(id)
    return customization && (customization.systemExtensions?.officialExtensions ?? [])
  }

  const kernelArgumentsOf = (id: string) => customizationOf(id)?.extraKernelArgs ?? []

  return { resolveImage, extensionsOf, kernelArgumentsOf }
}
