import { expect, test } from 'vitest'
import { syncFolder } from '../src/sync-folder.ts'

// The kernel's own folders answer fsync with EINVAL, as several network file systems do.
test('a folder whose file system syncs no folders is no failure', async () => {
  await expect(syncFolder('/proc/self')).resolves.toBeUndefined()
})

test('a folder that is not there is one', async () => {
  await expect(syncFolder('/proc/self/gone')).rejects.toMatchObject({ code: 'ENOENT' })
})
