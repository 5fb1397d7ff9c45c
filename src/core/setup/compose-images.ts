import { listed } from '../count.ts'
import type { Choices } from './choices.ts'
import { type Inline, setting, type Setting } from './draft.ts'

/** Machines that boot the same image. */
interface Kind {
  readonly schematic: string
  readonly architecture: string
  readonly nodes: string[]
}

/**
 * One image for each kind of machine, where they are of several; else none. It stands there as a comment: what machines
 * boot today may have other names, and those are not changed without a word.
 */
export function imagesSetting({ cluster, schematics }: Choices): Setting | undefined {
  const kinds: Kind[] = []
  for (const { name, machine } of cluster?.seen.nodes ?? []) {
    const { architecture } = machine ?? {}
    if (architecture === undefined) continue
    const schematic = (schematics.find(({ nodes }) => nodes.includes(name)) ?? schematics[0])?.name ?? 'homelab'
    const known = kinds.find((kind) => kind.schematic === schematic && kind.architecture === architecture)
    if (known) known.nodes.push(name)
    else kinds.push({ schematic, architecture, nodes: [name] })
  }
  if (kinds.length < 2) return undefined
  const usual = schematics[0]?.name ?? 'homelab'
  const images = kinds.map(({ schematic, architecture, nodes }): Inline => {
    const isUsual = schematic === usual
    return {
      name: isUsual ? architecture : `${schematic}-${architecture}`,
      ...(isUsual ? {} : { schematic, file: 'metal-{arch}-{schematic}.efi' }),
      ...(architecture === 'amd64' ? {} : { architecture }),
      nodes,
    }
  })
  const words = kinds.map(({ schematic, architecture }) => `${architecture} with ${schematic}`)
  return setting('images', images, {
    isOff: true,
    above: [
      `The machines are of several kinds: ${listed(words)}. With this each finds its own image, under a name of its own;`,
      'share.image then counts for nothing.',
    ],
  })
}
