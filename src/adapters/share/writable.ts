import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { checkDirectory, type Layout } from './layout.ts'
import { demandFree } from './space.ts'
import { translateError } from './trouble.ts'

const { R_OK, W_OK, X_OK } = constants

/**
 * Why no image can be written just now; undefined where one can. Nothing is written to find out.
 *
 * @param needed so many bytes must be free, where that is known
 */
export async function whyNotWritable(layout: Layout, needed: number | undefined): Promise<string | undefined> {
  try {
    await checkDirectory(layout)
    for (const path of [layout.directory, join(layout.directory, 'talos')]) await demandAccess(path)
    if (needed !== undefined) await demandFree(layout.directory, needed)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function demandAccess(path: string): Promise<void> {
  await access(path, R_OK | W_OK | X_OK).catch((error: NodeJS.ErrnoException) => {
    // Made with the first image.
    if (error.code !== 'ENOENT') throw translateError(path, error)
  })
}
