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
  /** What is under way already, or begins now. @throws AgentError `unreachable` where the share does not answer in time */
  present(): Promise<StagedImage[]>
  /** One that begins now: what was under way before may not have seen what we have changed since. */
  fresh(): Promise<StagedImage[]>
}

/**
 * A network file system whose server is away lets every call hang for as long as it is, in one of the few threads of the
 * process that look up names too. So one look at the share is under way at a time, and its callers wait `answerWithin` ms
 * and no longer.
 */
export function observeStaged(layout: Layout, answerWithin: number): Observation {
  /** What the look that is under way comes to. Stays after its time is over, until the look itself has ended. */
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
