import { z } from 'zod'
import { describeUnlisted } from '../core/spelling.ts'
import {
  architectures,
  imageKinds,
  type ImageSetting,
  imagesOf,
  isNameOf,
  placeholders,
} from '../core/release/image.ts'
import { rate } from '../core/release/rate.ts'
import { duration, name, server } from './scalars.ts'

const rateWords = 'use a rate such as 20MB/s or 500kB/s'

/** The section `share`. */
export const share = z.strictObject({
  directory: z
    .string()
    .min(1)
    .meta({ description: 'The directory that the TFTP server serves', examples: ['/volume1/pxe'] }),
  image: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'use a plain file name')
    .default('metal-amd64-uki.efi')
    .meta({ description: 'The file that machines boot, unless there are images' }),
  architecture: z
    .enum(architectures)
    .default('amd64')
    .meta({ description: 'The architecture of the machines that boot from the share, unless there are images' }),
  keep: z.int().min(1).max(50).default(2).meta({ description: 'How many releases of each image to keep' }),
  publish: z.enum(['when-rolled-out', 'when-staged']).default('when-rolled-out').meta({
    description:
      'When machines get a new release from the network: once every node runs it, so that none boots newer than the cluster; or as soon as it is staged',
  }),
  withdrawn: z.enum(['replace', 'keep']).default('replace').meta({
    description:
      'If the published release is withdrawn: publish the newest one that is not, or leave it until another is to be published',
  }),
  changed: z.enum(['restore', 'report']).default('restore').meta({
    description: 'If something else changes a published file: publish it again, or only report it',
  }),
  checkEvery: duration
    .refine((ms) => ms >= 5_000, 'use 5s or more: each look is some calls to the share')
    .prefault('1m')
    .meta({ description: 'How often the published files are looked at, in case something else changes them' }),
  downloads: z.int().min(1).max(8).default(2).meta({ description: 'How many images are downloaded at once' }),
  bandwidth: z
    .string(rateWords)
    .refine((text) => rate(text) !== undefined, rateWords)
    .transform((text) => rate(text)!)
    .optional()
    .meta({
      description: 'How fast images are downloaded, all together; default: without a limit',
      examples: ['20MB/s'],
      kind: 'rate',
      pattern: String.raw`^\s*\d+(\.\d+)?\s*([kKMG]i?)?B/s\s*$`,
    }),
  server: server.optional().meta({
    description:
      'Address of the TFTP server that machines boot from, with its port if it is not 69: 192.168.0.6. The doctor reads back from it what is written to the share',
  }),
})

const fileWords = `use a plain file name, which may hold ${placeholders.join(', ')}`

/** An entry of `images`. */
export const image = z
  .strictObject({
    name: name.meta({ description: 'What it is called in Caretaker', examples: ['gpu'] }),
    schematic: name.optional().meta({
      description: 'Its schematic: a file in config/schematics, without .yaml; default: the schematic of the nodes',
      examples: ['gpu'],
    }),
    architecture: z.enum(architectures).default('amd64').meta({ description: 'Of the machines that boot it' }),
    secureBoot: z
      .boolean()
      .default(false)
      .meta({ description: 'Signed, for machines whose SecureBoot is on; the Factory must have the keys' }),
    kind: z.enum(imageKinds).default('uki').meta({
      description:
        'uki: one file for UEFI firmware; kernel: kernel, initramfs and command line, published as a script for iPXE; iso',
    }),
    file: z
      .string(fileWords)
      .refine(isFileName, fileWords)
      .optional()
      .meta({
        description:
          'The published file; default: the Factory’s name for it. It may hold {schematic}, {arch} and {version}',
        examples: ['metal-{arch}-{schematic}.efi'],
        pattern: String.raw`^([A-Za-z0-9_]|\{(schematic|arch|version)\})([A-Za-z0-9._-]|\{(schematic|arch|version)\})*$`,
      }),
    nodes: z
      .array(name)
      .default([])
      .meta({ description: 'The nodes that boot it', examples: [['worker-3']] }),
    diskless: z.boolean().default(false).meta({
      description:
        'Its one node has no installation on its disk and boots this file each time: its upgrade is a publication of the file and a reboot, at its turn',
    }),
  })
  .refine(({ secureBoot, kind }) => !(secureBoot && kind === 'kernel'), {
    message: 'machines with SecureBoot boot a UKI or an ISO: iPXE starts kernels that nobody has signed',
    path: ['kind'],
  })
  .refine(({ diskless, nodes }) => !diskless || nodes.length === 1, {
    message: 'a diskless image belongs to one node, as nodes are upgraded one by one: name it in `nodes`',
    path: ['nodes'],
  })
  .refine(({ diskless, kind }) => !(diskless && kind === 'iso'), {
    message: 'a medium is never replaced by a newer one: a node without a disk boots a UKI, or a kernel by iPXE',
    path: ['kind'],
  })
  .refine(({ diskless, file }) => !(diskless && file?.includes('{version}')), {
    message: 'a node without a disk boots the same name each time: leave {version} out',
    path: ['file'],
  })

function isFileName(text: string): boolean {
  const bare = text.replaceAll(/\{(schematic|arch|version)\}/g, 'x')
  return /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(bare) && text.split('{version}').length <= 2
}

/** What is checked of images together. */
export interface ImagesTogether {
  readonly schematic: unknown
  readonly images: readonly unknown[]
  readonly share: unknown
  readonly nodes: readonly { readonly name: unknown; readonly role?: unknown }[]
}

/** Faults across the images: names that are taken, nodes that are not there. */
export function checkImages(
  { schematic, images, share: onShare, nodes }: ImagesTogether,
  fault: (message: string, ...path: (string | number)[]) => void,
): void {
  const alone = share.shape.image.safeParse((onShare as { readonly image?: unknown } | undefined)?.image).data
  const wrong = alone === undefined || images.length > 0 ? undefined : whyReserved(alone)
  if (wrong !== undefined) fault(wrong, 'share', 'image')
  const known = nodes.flatMap(({ name: one }) => (typeof one === 'string' ? [one] : []))
  const whole = images.map((one) => image.safeParse(one).data)
  const bootedBy = new Map<string, number>()
  const files = new Map<string, number>()
  for (const [index, one] of whole.entries()) {
    if (!one) continue
    if (whole.slice(0, index).some((other) => other?.name === one.name))
      fault(`another image is called ${one.name}`, 'images', index, 'name')
    const unknown = one.nodes.filter((node) => !known.includes(node))
    if (unknown.length > 0) fault(describeUnlisted(unknown, known, ['node', 'nodes']), 'images', index, 'nodes')
    for (const node of one.nodes) {
      const other = bootedBy.get(node)
      if (other !== undefined && other !== index)
        fault(`${node} boots ${whole[other]!.name} already`, 'images', index, 'nodes')
      bootedBy.set(node, index)
    }
    if (
      one.diskless &&
      nodes.some(({ name: node, role }) => one.nodes.includes(String(node)) && role === 'controlplane')
    )
      fault('a control plane keeps etcd on its disk: only workers can be diskless', 'images', index, 'diskless')
    const file = fileOf(one, schematic)
    const reserved = whyReserved(file)
    if (reserved !== undefined) fault(reserved, 'images', index, 'file')
    const taken = [...files].find(([other]) => clash(other, file))?.[1]
    if (taken !== undefined)
      fault(`${file} is the file of ${whole[taken]!.name} already: give it another one`, 'images', index, 'file')
    files.set(file, index)
  }
}

/** Whether two files have, or may come to have, one name. */
function clash(first: string, second: string): boolean {
  // Many shares take two spellings of a name for one.
  const [one, other] = [first.toLowerCase(), second.toLowerCase()]
  // What one adds to a release may make it another release: `-beta.1`, or a digit.
  const become = (file: string) => file.replace('{version}', 'v1.1.1')
  return one === other || isNameOf({ file: one }, become(other)) || isNameOf({ file: other }, become(one))
}

function fileOf(one: ImageSetting, schematic: unknown): string {
  const settings = { schematic: String(schematic), share: { image: '', architecture: 'amd64' as const } }
  return imagesOf({ ...settings, images: [one] })[0]!.file
}

/** Beside each file lies what it is, as NAME.json; releases lie in talos/. */
function whyReserved(file: string): string | undefined {
  if (file.toLowerCase() === 'talos') return 'talos is the folder of the releases: give it another name'
  return file.toLowerCase().endsWith('.json') ? 'files that end in .json are ours: give it another name' : undefined
}
