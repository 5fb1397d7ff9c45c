import type { IpxeImage } from '../../../core/netboot/ipxe-script.ts'
import type { ByteSource } from '../../../core/release/byte-source.ts'
import { readUki } from '../../../core/release/uki.ts'
import type { Library } from '../files/library.ts'
import { chunkSize, type SharedFile } from '../files/shared-file.ts'

/** An image that machines boot, by its published name. */
export interface BootImage {
  readonly file: string
  readonly architecture: string
}

/** Those that are there, and are UKIs, each with the command line that it carries. One that is none is left out. */
export async function readIpxeImages(
  images: readonly BootImage[],
  client: string,
  library: Library,
): Promise<readonly IpxeImage[]> {
  const found: IpxeImage[] = []
  for (const { file: name, architecture } of images) {
    const lent = await library.lend(client, name)
    if ('refused' in lent) continue
    const uki = await readUki(sourceOf(lent.file)).catch(() => undefined)
    lent.file.drop()
    if (uki) found.push({ file: name, architecture, commandLine: uki.commandLine })
  }
  return found
}

function sourceOf(file: SharedFile): ByteSource {
  return {
    size: file.size,
    read: async (offset, length) => {
      const wanted = Math.max(0, Math.min(length, file.size - offset))
      const bytes = new Uint8Array(wanted)
      for (let filled = 0; filled < wanted;) {
        const at = offset + filled
        const index = Math.floor(at / chunkSize)
        const chunk = await file.chunk(index)
        const part = chunk.bytes.subarray(at - index * chunkSize, at - index * chunkSize + wanted - filled)
        bytes.set(part, filled)
        file.release(chunk)
        filled += part.length
      }
      return bytes
    },
  }
}
