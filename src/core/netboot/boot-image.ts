import type { Architecture } from '../release/image.ts'

/** An image of the configuration, as far as it matters to who boots it. */
export interface BootImage {
  readonly architecture: Architecture
  readonly secureBoot: boolean
  /** Firmware starts a UKI; a kernel needs iPXE, and an ISO a medium. */
  readonly kind: 'uki' | 'kernel' | 'iso'
  /** Its name on the share. */
  readonly file: string
  /** The nodes that boot it, where that is said. */
  readonly nodes: readonly string[]
}

/**
 * The image that firmware of this architecture boots: the one that names this machine, else one that names none, and of
 * several the one that boots without SecureBoot keys. DHCP tells neither; a name that changes with each release is no name
 * to give to machines.
 */
export function chooseBootImage<Image extends BootImage>(
  images: readonly Image[],
  architecture: Architecture,
  machine: string | undefined,
): Image | undefined {
  const fit = images.filter((one) => one.kind === 'uki' && one.architecture === architecture && !one.file.includes('{'))
  const own = fit.find(({ nodes }) => machine !== undefined && nodes.includes(machine))
  const others = fit.filter(({ nodes }) => nodes.length === 0)
  return own ?? others.find(({ secureBoot }) => !secureBoot) ?? others[0]
}
