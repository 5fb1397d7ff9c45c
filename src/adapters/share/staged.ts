import { stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import { compareTexts } from '../../core/text-order.ts'
import type { StagedImage } from '../../core/release/image.ts'
import { readManifest } from './files.ts'
import { imagePath, type Layout, listPlaces, manifestPath, publishedPath } from './layout.ts'

/** What is staged whole, the published one first, then the newest. */
export async function findStaged(layout: Layout): Promise<StagedImage[]> {
  const published = publishedPath(layout)
  const current = await readManifest(`${published}.json`)
  const currentSize = await sizeOf(published)
  const found: StagedImage[] = []
  for (const place of await listPlaces(layout)) {
    const manifest = await readManifest(manifestPath(place))
    const path = imagePath(layout, place)
    const size = await sizeOf(path)
    if (!manifest || size !== manifest.bytes) continue
    const isPublished =
      current?.sha256 === manifest.sha256 && current.version === manifest.version && currentSize === manifest.bytes
    found.push({ ...manifest, path: relative(layout.directory, path), published: isPublished })
  }
  return found.sort((a, b) => Number(b.published) - Number(a.published) || compareTexts(b.stagedAt, a.stagedAt))
}

/** In bytes; undefined where nothing is there. */
async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
}

export interface Observation {
  /** The running observation, or a new one. @throws AgentError `unreachable` where the share does not answer in time */
  present(): Promise<StagedImage[]>
  /** A new observation: a running one may have missed our latest changes. */
  fresh(): Promise<StagedImage[]>
}

/**
 * A network file system whose server is down blocks every call, in one of the few threads that also resolve names. So
 * there is one observation at a time, and its callers wait at most `answerWithin` ms.
 */
export function observeStaged(layout: Layout, answerWithin: number): Observation {
  /** The running observation. It stays after its time limit, until it ends. */
  let looking: Promise<StagedImage[]> | undefined

  function present(): Promise<StagedImage[]> {
    if (looking) return looking
    const look = findStaged(layout)
    const over = () => void (looking = undefined)
    look.then(over, over)
    looking = inTime(look)
    return looking
  }

  function inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = `the share ${layout.directory} does not answer: is its server up?`
      const timer = setTimeout(() => reject(new AgentError('unreachable', late)), answerWithin)
      answer.finally(() => clearTimeout(timer)).then(resolve, reject)
    })
  }

  return {
    present,
    fresh: async () => {
      await looking
      return present()
    },
  }
}
