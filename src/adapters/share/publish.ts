import { randomBytes } from 'node:crypto'
import { chmod, copyFile, link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import { readManifest, sha256Of, syncDirectory, syncFile, writeWhole } from './files.ts'
import { imagePath, type Layout, manifestPath, publishedPath } from './layout.ts'
import { translateError } from './part.ts'

/**
 * Gives the image of this place the name that machines boot, by rename(2), which a transfer in progress does not notice.
 * It is read back before that.
 *
 * @throws AgentError `malformed` where other bytes are read than were written
 */
export async function publish(layout: Layout, place: string): Promise<void> {
  const published = publishedPath(layout)
  const path = imagePath(layout, place)
  const manifest = await readManifest(manifestPath(place))
  if (!manifest) throw new AgentError('malformed', `${place} has no manifest`)
  const temporary = join(layout.directory, `.${layout.image}.${randomBytes(4).toString('hex')}.part`)
  try {
    await linkOrCopy(path, temporary)
    if ((await sha256Of(temporary)) !== manifest.sha256) {
      // Without its manifest it counts as absent, and is downloaded again.
      await rm(manifestPath(place), { force: true })
      throw new AgentError(
        'malformed',
        `${path} reads back differently than it was written and is not published: check the disk of the share`,
      )
    }
    await rename(temporary, published)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof AgentError ? error : translateError(published, error)
  }
  await syncDirectory(layout.directory)
  await writeWhole(`${published}.json`, JSON.stringify(manifest, null, 2))
}

/** A hard link; where the file system has none (SMB), a copy. */
async function linkOrCopy(path: string, temporary: string): Promise<void> {
  await link(path, temporary).catch(async () => {
    await copyFile(path, temporary)
    await syncFile(temporary)
    await chmod(temporary, 0o644)
  })
}
