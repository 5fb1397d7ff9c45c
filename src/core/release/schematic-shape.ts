import { flag, listOf, mapOf, number, object, optional, type Shape, text } from '../shape.ts'
import type { RegisteredSchematic, Schematic } from './schematic.ts'

type Customization = NonNullable<Schematic['customization']>
type Overlay = NonNullable<Schematic['overlay']>

const anything: Shape<unknown> = (value) => value

/** Reads a schematic as the Factory writes it. What it does not know is left out. */
export const schematicShape = object<Schematic>({
  owner: optional(text),
  overlay: optional(object<Overlay>({ image: text, name: text, options: optional(mapOf(anything)) })),
  customization: optional(
    object<Customization>({
      embeddedMachineConfiguration: optional(text),
      extraKernelArgs: optional(listOf(text)),
      meta: optional(listOf(object<NonNullable<Customization['meta']>[number]>({ key: number, value: text }))),
      systemExtensions: optional(
        object<NonNullable<Customization['systemExtensions']>>({ officialExtensions: optional(listOf(text)) }),
      ),
      bootloader: optional(text),
      secureboot: optional(
        object<NonNullable<Customization['secureboot']>>({
          enrollKeys: optional(text),
          includeWellKnownCertificates: optional(flag),
        }),
      ),
      diskImage: optional(object<NonNullable<Customization['diskImage']>>({ sectorSize: optional(number) })),
    }),
  ),
})

/** Reads a schematic that is on record. */
export const registeredSchematic = object<RegisteredSchematic>({ id: text, schematic: schematicShape })
