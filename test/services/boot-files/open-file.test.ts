import { spawnSync } from 'node:child_process'
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBelow } from '../../../src/services/boot-files/files/open-file.ts'
import { unprivileged } from '../../lab/unprivileged.ts'

let folder = ''
let root = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-'))
  await chmod(folder, 0o755)
  root = join(folder, 'share')
  await mkdir(join(root, 'talos/v1.14.0'), { recursive: true })
  await mkdir(join(folder, 'share-of-others'))
  await writeFile(join(folder, 'secret'), 'secret')
  await writeFile(join(folder, 'share-of-others/secret'), 'secret')
  await writeFile(join(root, 'talos/v1.14.0/x.efi'), 'image')
  await writeFile(join(root, 'closed.efi'), 'image', { mode: 0o600 })
  await link(join(root, 'talos/v1.14.0/x.efi'), join(root, 'x.efi'))
  await symlink('talos/v1.14.0/x.efi', join(root, 'relative.efi'))
  await symlink(join(root, 'talos/v1.14.0/x.efi'), join(root, 'absolute.efi'))
  await symlink('talos/v1.14.0', join(root, 'newest'))
  await symlink('/x.efi', join(root, 'from-the-root.efi'))
  await symlink('../secret', join(root, 'out.efi'))
  await symlink('../share-of-others', join(root, 'out'))
  await symlink('/etc', join(root, 'etc'))
  await symlink('loop.efi', join(root, 'loop.efi'))
  await symlink('/dev/zero', join(root, 'zero.efi'))
  spawnSync('mkfifo', [join(root, 'pipe.efi')])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function opened(name: string): Promise<string> {
  const found = await openBelow(root, name)
  if ('refused' in found) return found.refused
  const text = await found.handle.readFile('utf8')
  await found.handle.close()
  return text
}

describe('a name leads to a plain file of the folder, or to nothing', () => {
  test.each([
    { name: 'x.efi', is: 'image' },
    { name: '/talos/v1.14.0/x.efi', is: 'image' },
    { name: '\\newest\\x.efi', is: 'image' },
    { name: 'relative.efi', is: 'image' },
    { name: 'absolute.efi', is: 'image' },
    { name: 'from-the-root.efi', is: 'not-found' },
    { name: 'out.efi', is: 'forbidden' },
    { name: 'out/secret', is: 'forbidden' },
    { name: 'etc/passwd', is: 'forbidden' },
    { name: 'zero.efi', is: 'forbidden' },
    { name: '../secret', is: 'forbidden' },
    { name: 'talos', is: 'forbidden' },
    { name: 'loop.efi', is: 'forbidden' },
    { name: 'pipe.efi', is: 'forbidden' },
    { name: 'x.efi/x.efi', is: 'not-found' },
    { name: 'X.EFI', is: 'not-found' },
    { name: 'x'.repeat(255), is: 'not-found' },
  ])('$name', async ({ name, is }) => {
    expect(await opened(name)).toBe(is)
  })

  test.skipIf(geteuid?.() !== 0)('one that we may not read', async () => {
    expect(await unprivileged(() => opened('closed.efi'))).toBe('unreadable')
  })
})

test('a folder that is gone, as where a share is not mounted, holds nothing', async () => {
  expect(await openBelow(join(folder, 'gone'), 'x.efi')).toEqual({ refused: 'not-found' })
})

test('a folder that is itself reached by a link is served', async () => {
  await symlink(root, join(folder, 'link'))
  const found = await openBelow(join(folder, 'link'), 'x.efi')
  expect(found).toHaveProperty('handle')
  if ('handle' in found) await found.handle.close()
})
