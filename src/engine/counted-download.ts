import type { Progress } from '../core/activity.ts'
import type { Download, Factory } from '../core/release/ports.ts'

/** The Factory, whose downloads tell how far they are. */
export function countedDownloads(
  factory: Pick<Factory, 'warm' | 'open'>,
  tell: (progress: Progress) => void,
): Pick<Factory, 'warm' | 'open'> {
  return {
    warm: (image, signal) => factory.warm(image, signal),
    open: async (image, resume, signal) => {
      const download = await factory.open(image, resume, signal)
      return { ...download, body: count(download, tell) }
    },
  }
}

async function* count({ body, offset, size }: Download, tell: (progress: Progress) => void): AsyncIterable<Uint8Array> {
  const total = size === undefined ? {} : { totalBytes: size }
  let doneBytes = offset
  tell({ doneBytes, ...total })
  for await (const chunk of body) {
    yield chunk
    doneBytes += chunk.length
    tell({ doneBytes, ...total })
  }
}
