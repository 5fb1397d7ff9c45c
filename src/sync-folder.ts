import { open } from 'node:fs/promises'

/**
 * Makes the names in a folder durable: what was renamed there stays renamed after a power cut. Several network file systems
 * can't do that for folders (fsync(2): EINVAL, EOPNOTSUPP); they guarantee nothing either way, and that is no failure.
 *
 * @throws the error of Node where the folder can't be opened, or its disk fails
 */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync().catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !unsupported.has(code)) throw error
  })
}

const unsupported = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
