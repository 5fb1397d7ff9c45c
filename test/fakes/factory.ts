import type { Download, Factory } from '../../src/core/release/ports.ts'

const etag = '"fake"'
const image = Buffer.from('an image of Talos '.padEnd(100, '.'))

/** What comes without any proof, as from the public Factory. */
export const unproven: Pick<Download, 'source' | 'proofs'> = {
  source: 'https://factory.test/image',
  proofs: async () => ({ sha256: undefined, hasSignature: false }),
}

/** An Image Factory in memory: its releases can change, every schematic gets the same id, every image is the same. */
export function fakeFactory(
  lists: { readonly versions: readonly string[]; readonly withdrawn: readonly string[] | undefined },
  schematic: string,
): Factory {
  return {
    registry: 'factory.test',
    versions: async () => lists.versions.filter((version) => !lists.withdrawn?.includes(version)),
    withdrawn: async () => lists.withdrawn && [...lists.withdrawn],
    catalogue: async (version) => ({
      version,
      extensions: ['siderolabs/i915', 'siderolabs/iscsi-tools', 'siderolabs/nut-client'],
      overlays: [],
    }),
    register: async () => ({ id: schematic }),
    warm: async () => image.length,
    open: async (_, resume) => {
      const offset = resume?.etag === etag ? resume.offset : 0
      return {
        offset,
        size: image.length,
        etag,
        body: bodyOf(image.subarray(offset)),
        ...unproven,
      }
    },
  }
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
