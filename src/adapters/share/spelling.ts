import { randomBytes } from 'node:crypto'
import { rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import { list } from './files.ts'
import { type Layout, publishedPath, recordPath } from './layout.ts'
import { readRecord } from './manifest.ts'

/** What is asked of the folder that names lie in. */
export interface SpellingMeans {
  readonly list: () => Promise<readonly string[]>
  readonly isThere: (name: string) => Promise<boolean>
  /** Whether we have published it. */
  readonly isOurs: (name: string) => Promise<boolean>
  readonly rename: (from: string, to: string) => Promise<void>
}

/**
 * Sees to it that a name can be published on a share that takes two spellings for one name, as SMB and exFAT do. What we
 * have published under the other spelling gets this one; what somebody else has put there is not replaced.
 *
 * @throws AgentError `misconfigured` for a file that is not ours
 */
export async function takeSpelling(file: string, means: SpellingMeans): Promise<void> {
  const names = await means.list()
  if (names.includes(file)) return
  const other = names.find((name) => name.toLowerCase() === file.toLowerCase())
  // Where spellings count, both lie side by side.
  if (other === undefined || !(await means.isThere(file))) return
  if (!(await means.isOurs(other)))
    throw new AgentError(
      'misconfigured',
      `${file} is not published: to the share it is the same name as ${other}, which something else has put there. Take that away, or give the image another file`,
    )
  await means.rename(other, file)
}

export function spellingMeans(layout: Layout): SpellingMeans {
  return {
    list: () => list(layout.directory),
    isThere: (name) =>
      stat(publishedPath(layout, name)).then(
        () => true,
        () => false,
      ),
    isOurs: async (name) => (await readRecord(recordPath(layout, name))) !== undefined,
    rename: async (from, to) => {
      // The record first: without it the name would count as somebody else's.
      await respell(recordPath(layout, from), recordPath(layout, to))
      await respell(publishedPath(layout, from), publishedPath(layout, to))
    },
  }
}

/** Through a third name: Samba gives what was renamed directly its old spelling back when the next file takes its name. */
async function respell(from: string, to: string): Promise<void> {
  const between = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}.part`)
  await rename(from, between)
  try {
    await rename(between, to)
  } catch (error) {
    await rename(between, from).catch(() => undefined)
    throw error
  }
}
