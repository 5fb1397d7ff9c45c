import { createFactory } from '../../../src/adapters/factory/factory.ts'
import type { ImageOrder } from '../../../src/core/release/image.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import { createFactory as createLabFactory, type LabFactory } from '../../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { soon } from '../../patience.ts'

/** What is downloaded: a release that the lab has. */
export const order: ImageOrder = {
  schematic: homelabSchematicId,
  version: 'v1.13.9',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
}

/** The lab's Factory, which knows the homelab's schematic, and the adapter in front of it. */
export interface FactoryLab extends AsyncDisposable {
  readonly lab: LabFactory
  readonly factory: Factory
  /** What the Factory serves for the order now. */
  image(): Buffer
}

/** Starts a Factory that has these releases. */
export async function startFactoryLab(address: string, versions: readonly string[]): Promise<FactoryLab> {
  const lab = createLabFactory({ address, versions })
  await lab.start()
  const factory = createFactory(lab.url)
  await factory.register(homelabSchematic, soon())
  return {
    lab,
    factory,
    image: () => lab.imageBytes(order.schematic, order.version, 'metal-amd64-uki.efi'),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  }
}
