import { chmod, chown, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { keepStatePrivate } from '../../src/main/private-state.ts'
import { temporaryFolder } from '../lab/process.ts'

const uid = process.getuid!()
const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

/** A state directory that an older release, or a person, has left open. */
async function openState() {
  const folder = await temporaryFolder()
  const directory = join(folder.path, 'state')
  const files = ['journal.db', 'journal.db-wal', 'journal.db-shm', 'journal.db.damaged-2026-11-26', 'lock.db']
  const deep = [
    'last-good.yaml',
    'credentials/talosconfig',
    'snapshots/cp-1.db',
    'queue/appendonlydir/a.aof',
    'mine.bak',
  ]
  for (const file of [...files, ...deep]) {
    await mkdir(join(directory, file, '..'), { recursive: true })
    await writeFile(join(directory, file), 'x')
    await chmod(join(directory, file), 0o644)
  }
  for (const path of ['', 'credentials', 'snapshots', 'queue', 'queue/appendonlydir'])
    await chmod(join(directory, path), 0o755)
  return {
    directory,
    files: [...files, ...deep],
    parent: folder.path,
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}

describe('a state directory that others could read', () => {
  test('is read by nobody else from the start of the daemon on, with all that is in it', async () => {
    await using it = await openState()
    const socket = createServer()
    await new Promise<void>((resolve) => socket.listen(join(it.directory, 'control.sock'), resolve))
    const { tightened, fault } = await keepStatePrivate({ directory: it.directory, uid })
    expect(fault).toBeUndefined()
    expect(tightened).toEqual(expect.arrayContaining(['.', 'control.sock', 'credentials', ...it.files]))
    for (const file of [...it.files, 'control.sock'])
      expect({ file, others: (await stat(join(it.directory, file))).mode & 0o077 }).toEqual({ file, others: 0 })
    for (const path of ['', 'credentials', 'queue/appendonlydir'])
      expect(await modeOf(join(it.directory, path))).toBe('700')
    expect(await keepStatePrivate({ directory: it.directory, uid })).toEqual({ tightened: [], fault: undefined })
    await new Promise((resolve) => socket.close(resolve))
  })

  test('keeps what its links lead to as it was', async () => {
    await using it = await openState()
    const other = join(it.parent, 'other')
    await writeFile(other, 'x')
    await chmod(other, 0o644)
    await symlink(other, join(it.directory, 'link'))
    await keepStatePrivate({ directory: it.directory, uid })
    expect(await modeOf(other)).toBe('644')
  })

  test('that is the folder of the configuration as well stays open, and only what is ours is closed', async () => {
    await using it = await openState()
    const { fault } = await keepStatePrivate({ directory: it.directory, uid, shared: [it.directory] })
    expect(fault).toBeUndefined()
    expect([await modeOf(it.directory), await modeOf(join(it.directory, 'mine.bak'))]).toEqual(['755', '644'])
    expect(await modeOf(join(it.directory, 'journal.db-wal'))).toBe('600')
  })

  test('that is not there yet is no matter', async () => {
    expect(await keepStatePrivate({ directory: '/nowhere/at/all', uid })).toEqual({ tightened: [], fault: undefined })
  })
})

describe.skipIf(uid !== 0)('a state directory of another user', () => {
  test.each([
    {
      name: 'is refused',
      mode: 0o755,
      owner: 1_234,
      says: /state belongs to the user 1234, who can replace what is in it: run `chown -R 2345 /,
    },
    { name: 'into which everybody may write is refused', mode: 0o777, owner: 0, says: /everybody can replace/ },
    { name: 'that is a volume of root’s and of our group is taken', mode: 0o2775, owner: 0, says: /^taken$/ },
    {
      name: 'that is a volume for everybody, each with his own, is taken',
      mode: 0o1777,
      owner: 1_234,
      says: /^taken$/,
    },
  ])('$name', async ({ mode, owner, says }) => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    const directory = join(folder.path, 'state')
    await mkdir(directory)
    await chown(directory, owner, owner)
    await chmod(directory, mode)
    const { fault } = await keepStatePrivate({ directory, uid: 2_345 })
    expect(fault ?? 'taken').toMatch(says)
  })

  test('with a journal that somebody else has put there is refused', async () => {
    await using folder = await temporaryFolder()
    const directory = join(folder.path, 'state')
    await mkdir(join(directory, 'lost+found'), { recursive: true })
    await writeFile(join(directory, 'journal.db'), 'x')
    await chown(join(directory, 'journal.db'), 1_234, 1_234)
    await chmod(directory, 0o1777)
    expect((await keepStatePrivate({ directory, uid: 2_345 })).fault).toMatch(/journal\.db belongs to the user 1234: /)
  })
})
