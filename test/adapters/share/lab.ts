import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { createShare, type ShareOptions } from '../../../src/adapters/share/share.ts'
import { type ImageOrder, isSameImage, type StagedImage } from '../../../src/core/release/image.ts'
import type { Factory, Share } from '../../../src/core/release/ports.ts'
import {
  createFactory as createLabFactory,
  type LabFactory,
  type LabFactoryOptions,
} from '../../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { soon } from '../../patience.ts'

export const bootName = 'metal-amd64-uki.efi'

/** A share on this machine's disk in front of the lab's Factory. */
export interface ShareLab extends AsyncDisposable {
  readonly directory: string
  readonly lab: LabFactory
  readonly factory: Factory
  share: Share
  /** What the share's clock says; a minute later at each look. */
  now: number
  /** Another share in the same directory, or in another one. */
  open(options?: Partial<ShareOptions>): Share
  stage(
    version: string,
    options?: { publish?: boolean; factory?: Pick<Factory, 'warm' | 'open'> },
  ): Promise<StagedImage>
  /** What the Factory serves for a release now. */
  image(version: string): Buffer
  /** What the fixed name serves. */
  published(): Promise<Buffer>
  /** Where a release of the homelab's schematic is kept. */
  place(version: string): string
  /** Every file on the share, by its path in it. */
  files(): Promise<string[]>
}

export async function startShareLab(address: string, options: Partial<LabFactoryOptions> = {}): Promise<ShareLab> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-share-'))
  const lab = createLabFactory({ address, versions: ['v1.12.11', 'v1.13.8', 'v1.13.9', 'v1.13.10'], ...options })
  await lab.start()
  const factory = createFactory(lab.url)
  await factory.register(homelabSchematic, soon())
  const started: ShareLab = {
    directory,
    lab,
    factory,
    now: Date.parse('2026-11-22T03:00:00Z'),
    share: undefined as never,
    open: (changes = {}) =>
      createShare({
        directory,
        now: () => new Date((started.now += 60_000)),
        ...changes,
      }),
    stage: (version, { publish = true, factory: through = factory } = {}) =>
      stageOn({ share: started.share, factory: through }, orderOf(version), { publish }),
    image: (version) => lab.imageBytes(homelabSchematicId, version, bootName),
    published: () => readFile(join(directory, bootName)),
    place: (version) => join(directory, 'talos', version, homelabSchematicId.slice(0, 12)),
    files: async () => {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
        .sort()
    },
    [Symbol.asyncDispose]: async () => {
      await lab[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return Object.assign(started, { share: started.open() })
}

/** Stages an image, and publishes it under the name that machines boot. */
export async function stageOn(
  { share, factory }: { readonly share: Share; readonly factory: Pick<Factory, 'warm' | 'open'> },
  order: ImageOrder,
  { publish = true, signal = soon() }: { readonly publish?: boolean; readonly signal?: AbortSignal } = {},
): Promise<StagedImage> {
  const image = await share.stage(order, factory, signal)
  if (!publish) return image
  await share.publish(bootName, order, signal)
  return (await share.staged()).find((one) => isSameImage(one, order))!
}

export function orderOf(version: string): ImageOrder {
  return {
    schematic: homelabSchematicId,
    version,
    architecture: 'amd64',
    secureBoot: false,
    kind: 'uki',
    kernelArguments: [],
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}
