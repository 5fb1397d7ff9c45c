import { lstat, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import { compareTexts } from '../../core/text-order.ts'
import { isSameImage, type StagedImage } from '../../core/release/image.ts'
import { listOwn } from './files.ts'
import { type Layout, listPlaces, manifestPath, publishedPath, recordPath } from './layout.ts'
import { filesOf, type Manifest, type PublishedRecord, readManifest, readRecord } from './manifest.ts'

/** An image in its place. */
export interface Found {
  readonly place: string
  readonly manifest: Manifest
}

/** A name that we have published. */
export interface FoundName {
  readonly file: string
  readonly record: PublishedRecord
}

/** What is staged whole, what is published first, then the newest. */
export async function findStaged(layout: Layout): Promise<StagedImage[]> {
  const names = await findNames(layout)
  const served = await Promise.all(names.map(async (name) => ({ ...name, isLeft: await looksLeft(layout, name) })))
  const found = (await findImages(layout)).map(({ place, manifest: whole }): StagedImage => {
    const { files, signers: _, ...manifest } = whole
    const publishedAs = served
      .filter(({ record, isLeft }) => isLeft && record.sha256 === manifest.sha256 && isSameImage(record, manifest))
      .map(({ file }) => file)
    const path = relative(layout.directory, join(place, files[0]!.name))
    return { ...manifest, path, publishedAs, published: publishedAs.length > 0 }
  })
  return found.sort((a, b) => Number(b.published) - Number(a.published) || compareTexts(b.stagedAt, a.stagedAt))
}

/** The images whose files are all there, as large as they were staged. */
export async function findImages(layout: Layout): Promise<Found[]> {
  const found: Found[] = []
  for (const place of await listPlaces(layout)) {
    const manifest = await readManifest(manifestPath(place))
    const files = manifest ? await filesOf(place, manifest) : []
    const sizes = await Promise.all(files.map(({ name }) => sizeOf(join(place, name))))
    if (manifest && files.length > 0 && files.every(({ bytes }, index) => sizes[index] === bytes))
      found.push({ place, manifest: { ...manifest, files } })
  }
  return found
}

/** The names that we have published, whatever lies there now. */
export async function findNames(layout: Layout): Promise<FoundName[]> {
  const found: FoundName[] = []
  for (const name of await listOwn(layout.directory)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue
    const file = name.slice(0, -'.json'.length)
    const record = await readRecord(recordPath(layout, file))
    if (record) found.push({ file, record })
  }
  return found
}

/** Whether a name looks as it was left: quick, and sure enough for what can be looked at again. */
async function looksLeft(layout: Layout, { file, record: { served } }: FoundName): Promise<boolean> {
  const info = await stat(publishedPath(layout, file)).catch(() => undefined)
  if (info?.size !== served.bytes) return false
  // Not everything that holds files keeps their numbers, and a crash may have come between a name and its record.
  return served.ino === -1 || info.mtimeMs === served.mtimeMs || info.ino === served.ino
}

/** In bytes; undefined where there is no file, but nothing or a link. */
async function sizeOf(path: string): Promise<number | undefined> {
  return lstat(path).then(
    (info) => (info.isFile() ? info.size : undefined),
    () => undefined,
  )
}

export interface Observation<T> {
  /** The running observation, or a new one. @throws AgentError `unreachable` where the share does not answer in time */
  present(): Promise<T>
  /** A new observation: a running one may have missed our latest changes. */
  fresh(): Promise<T>
}

/**
 * A network file system whose server is down blocks every call, in one of the few threads that also resolve names. So
 * there is one observation at a time, and its callers wait at most `answerWithin` ms.
 */
export function observe<T>({ directory }: Layout, look: () => Promise<T>, answerWithin: number): Observation<T> {
  /** The running observation. It stays after its time limit, until it ends. */
  let looking: Promise<T> | undefined

  function present(): Promise<T> {
    if (looking) return looking
    const begun = look()
    const over = () => void (looking = undefined)
    begun.then(over, over)
    looking = inTime(begun)
    return looking
  }

  function inTime(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = `the share ${directory} does not answer: is its server up?`
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
