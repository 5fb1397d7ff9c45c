import { randomBytes } from 'node:crypto'
import { chmod, copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { compareTexts } from '../../core/text-order.ts'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import type { Factory, Share } from '../../core/release/ports.ts'
import type { StagedImage } from '../../core/release/image.ts'
import { refuseUki } from '../../core/release/uki.ts'
import { readUkiFile } from './file-source.ts'
import {
  readManifest,
  list,
  removeEmpty,
  sha256Of,
  writeWhole,
  syncFile,
  syncDirectory,
  type Manifest,
} from './files.ts'
import { discard, download, type Part, translateError } from './part.ts'

export interface ShareOptions {
  /** What the TFTP server serves. */
  readonly directory: string
  /** The name that machines boot: `metal-amd64-uki.efi`. */
  readonly image: string
  readonly architecture: string
  /** How many staged images are kept, the published one among them. */
  readonly keep: number
  /** How long a look at the directory may take, in ms. */
  readonly answerWithin?: number
  readonly now?: () => Date
}

const staleAfter = 24 * 3_600_000

/**
 * A directory that a TFTP server serves. Every image has a place of its own, `talos/<version>/<schematic>/<image>`, and
 * is complete, checked and on the disk before anything points to it. The name that machines boot is swapped by
 * rename(2), which a transfer in progress does not notice; nothing is ever written in place.
 */
export function createShare({
  directory,
  image: bootName,
  architecture,
  keep,
  answerWithin = 10_000,
  now = () => new Date(),
}: ShareOptions): Share {
  const published = join(directory, bootName)
  /** What the look that is under way comes to. Stays after its time is over, until the look itself has ended. */
  let looking: Promise<StagedImage[]> | undefined

  /**
   * A network file system whose server is away lets every call hang for as long as it is, in one of the few threads of
   * the process that look up names too. So one look is under way at a time, and its callers wait no longer than they may.
   */
  function staged(): Promise<StagedImage[]> {
    if (looking) return looking
    const look = findStaged()
    const over = () => void (looking = undefined)
    look.then(over, over)
    looking = inTime(look)
    return looking
  }

  /** A look that was under way before may not have seen what we have changed since. */
  async function stagedNow(): Promise<StagedImage[]> {
    await looking
    return staged()
  }

  function inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new AgentError('unreachable', `the share ${directory} does not answer: is its server up?`)),
        answerWithin,
      )
      answer.finally(() => clearTimeout(timer)).then(resolve, reject)
    })
  }

  async function findStaged(): Promise<StagedImage[]> {
    const current = await readManifest(`${published}.json`)
    const currentSize = await stat(published).then(
      ({ size }) => size,
      () => undefined,
    )
    const found: StagedImage[] = []
    for (const version of await list(join(directory, 'talos'))) {
      for (const schematic of await list(join(directory, 'talos', version))) {
        const place = join(directory, 'talos', version, schematic)
        const manifest = await readManifest(join(place, 'manifest.json'))
        const path = join(place, bootName)
        const size = await stat(path).then(
          (info) => info.size,
          () => undefined,
        )
        if (!manifest || size !== manifest.bytes) continue
        const isPublished =
          current?.sha256 === manifest.sha256 && current.version === manifest.version && currentSize === manifest.bytes
        found.push({ ...manifest, path: relative(directory, path), published: isPublished })
      }
    }
    return found.sort((a, b) => Number(b.published) - Number(a.published) || compareTexts(b.stagedAt, a.stagedAt))
  }

  const stage: Share['stage'] = async (order, options, factory, signal) => {
    try {
      return await stageOrder(order, options, factory, signal)
    } catch (error) {
      throw error instanceof AgentError ? error : translateError(directory, error)
    }
  }

  async function stageOrder(
    order: ImageOrder,
    { publish: wanted }: { publish: boolean },
    factory: Pick<Factory, 'warm' | 'open'>,
    signal: AbortSignal,
  ): Promise<StagedImage> {
    // Before anything else is asked of the directory: this has a limit.
    const before = await stagedNow()
    await checkDirectory()
    const place = join(directory, 'talos', order.version, order.schematic.slice(0, 12))
    const path = join(place, bootName)
    const there = before.find(({ version, schematic }) => version === order.version && schematic === order.schematic)
    if (!there) await bring(order, place, path, factory, signal)
    if (wanted && !there?.published) await publish(path, place)
    await prune(place)
    const result = (await stagedNow()).find(
      (candidate) => candidate.version === order.version && candidate.schematic === order.schematic,
    )
    if (!result || (wanted && !result.published))
      throw new AgentError(
        'unreachable',
        `${published} is not what was just published there: does something else write to the share?`,
      )
    return result
  }

  async function bring(
    order: ImageOrder,
    place: string,
    path: string,
    factory: Pick<Factory, 'warm' | 'open'>,
    signal: AbortSignal,
  ): Promise<void> {
    await makeDirectories(place)
    const part = join(place, `.${bootName}.part`)
    const { bytes, sha256 }: Part = await download(part, order, factory, signal)
    const refusal = await readUkiFile(part).then(
      (uki) => refuseUki(uki, order),
      (error: unknown) =>
        error instanceof AgentError && error.code === 'malformed'
          ? error.message.replace(`${part}: `, '')
          : Promise.reject(error),
    )
    if (refusal !== undefined) {
      await discard(part)
      throw new AgentError('malformed', `what the Factory sent for ${order.version} was refused: ${refusal}`)
    }
    const { version, schematic } = order
    const manifest: Manifest = { version, schematic, architecture, sha256, bytes, stagedAt: now().toISOString() }
    // Containers often have a umask of 0077, and a TFTP server serves only what all may read.
    await chmod(part, 0o644)
    await rename(part, path)
    await rm(`${part}.etag`, { force: true })
    await writeWhole(join(place, 'manifest.json'), JSON.stringify(manifest, null, 2))
    await syncDirectory(place)
  }

  /** A hard link and a rename; where the file system knows no links (SMB), a copy and a rename. */
  async function publish(path: string, place: string): Promise<void> {
    const manifest = await readManifest(join(place, 'manifest.json'))
    if (!manifest) throw new AgentError('malformed', `${place} has no manifest`)
    const temporary = join(directory, `.${bootName}.${randomBytes(4).toString('hex')}.part`)
    try {
      await link(path, temporary).catch(async () => {
        await copyFile(path, temporary)
        await syncFile(temporary)
        await chmod(temporary, 0o644)
      })
      if ((await sha256Of(temporary)) !== manifest.sha256) {
        // Without its manifest it counts as absent, and is brought again.
        await rm(join(place, 'manifest.json'), { force: true })
        throw new AgentError(
          'malformed',
          `${path} reads back with other bytes than were written, and is not published: check the disk of the share`,
        )
      }
      await rename(temporary, published)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error instanceof AgentError ? error : translateError(published, error)
    }
    await syncDirectory(directory)
    await writeWhole(`${published}.json`, JSON.stringify(manifest, null, 2))
  }

  /** Keeps what was just staged whatever its age, and takes away what crashes and given-up downloads have left. */
  async function prune(justStaged: string): Promise<void> {
    for (const { path } of (await stagedNow()).slice(keep)) {
      const place = dirname(join(directory, path))
      if (place === justStaged) continue
      await rm(place, { recursive: true, force: true })
      await removeEmpty(dirname(place))
    }
    for (const name of await list(directory)) {
      if (name.startsWith(`.${bootName}.`) && name.endsWith('.part') && (await isStale(join(directory, name))))
        await rm(join(directory, name), { force: true })
    }
    for (const version of await list(join(directory, 'talos'))) {
      for (const schematic of await list(join(directory, 'talos', version))) {
        const place = join(directory, 'talos', version, schematic)
        const part = join(place, `.${bootName}.part`)
        if (!(await isStale(part))) continue
        await discard(part)
        await removeEmpty(place)
        await removeEmpty(dirname(place))
      }
    }
  }

  async function isStale(path: string): Promise<boolean> {
    const info = await stat(path).catch(() => undefined)
    return info !== undefined && now().getTime() - info.mtimeMs > staleAfter
  }

  async function checkDirectory(): Promise<void> {
    const info = await stat(directory).catch(() => undefined)
    if (!info?.isDirectory())
      throw new AgentError('misconfigured', `share.directory ${directory} is not there: is the share mounted?`)
  }

  async function makeDirectories(place: string): Promise<void> {
    for (const path of [join(directory, 'talos'), dirname(place), place]) {
      try {
        // Not with `recursive`: that says ENOENT of a file system that is mounted read-only.
        await mkdir(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        })
        // One that somebody else made is only changed where a TFTP server could not read it.
        if (((await stat(path)).mode & 0o555) !== 0o555) await chmod(path, 0o755)
      } catch (error) {
        throw translateError(path, error)
      }
    }
  }

  return { staged, stage }
}
