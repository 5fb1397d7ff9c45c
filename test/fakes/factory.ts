import type { Factory } from '../../src/core/release/ports.ts'

const etag = '"fake"'
const image = Buffer.from('an image of Talos '.padEnd(100, '.'))

/** An Image Factory in memory: its releases can change, every schematic gets the same id, every image is the same. */
export function fakeFactory(
  lists: { readonly versions: readonly string[]; readonly withdrawn: readonly string[] | undefined },
  schematic: string,
): Factory {
  return {
    registry: 'factory.test',
    versions: async () => lists.versions.filter((version) => !lists.withdrawn?.includes(version)),
    withdrawn: async () => lists.withdrawn && [...lists.withdrawn],
    register: async () => schematic,
    warm: async () => image.length,
    open: async (_, resume) => {
      const offset = resume?.etag === etag ? resume.offset : 0
      return { offset, size: image.length, etag, body: bodyOf(image.subarray(offset)) }
    },
  }
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
