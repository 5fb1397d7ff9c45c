import { execFileSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unprivileged } from '../../lab/unprivileged.ts'
import { refusal } from '../refusal.ts'
import { inChunks, snapshotOf, type SnapshotsLab, startSnapshotsLab } from './lab.ts'

// Only root may mount; where the whole of the tests is to run, root is there.
const mayMount = process.getuid?.() === 0 || process.env['CI'] === 'true'

let at: SnapshotsLab
const mounts: string[] = []
beforeEach(async () => {
  at = await startSnapshotsLab()
})
afterEach(async () => {
  for (const path of mounts.splice(0)) execFileSync('umount', [path])
  await at[Symbol.asyncDispose]()
})

async function mount(options: string): Promise<void> {
  await mkdir(at.directory, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at.directory])
  mounts.push(at.directory)
}

describe('a disk for snapshots', () => {
  test('that runs full says so, gets back what was taken, and keeps the snapshot before', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    await mount('size=1m')
    const before = await at.keep()
    const files = await at.files()
    const error = await refusal(at.keep(inChunks(snapshotOf('b', { pages: 400 }), 65_536)))
    expect(error).toMatchObject({
      code: 'rejected',
      message: `snapshot of etcd from cp-1: the disk is full: free space in ${at.directory}`,
    })
    expect(await at.files()).toEqual(files)
    expect(await at.open().list()).toEqual([before])
  })

  test('that has no room for the label left does not keep the snapshot either', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    // The root, the part, and no more.
    await mount('size=1m,nr_inodes=2')
    expect(await refusal(at.keep())).toMatchObject({ code: 'rejected' })
    expect(await at.files()).toEqual([])
  })

  test('that is mounted read-only says what to check', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a disk read-only')
    await mount('ro')
    const error = await refusal(at.keep())
    expect(error.code).toBe('misconfigured')
    expect(error.message).toContain('the file system is mounted read-only')
  })

  test('that belongs to somebody else says what to check', async () => {
    await mkdir(at.directory, { recursive: true })
    await chmod(at.directory, 0o500)
    const error = await unprivileged(() => refusal(at.keep()))
    expect(error.code).toBe('misconfigured')
    expect(error.message).toContain(`${at.directory} can't be used for snapshots: permission denied`)
    const listing = await unprivileged(() => refusal(at.open().list()))
    expect(listing.code).toBe('misconfigured')
    await chmod(at.directory, 0o700)
  })

  test('that is a file says so', async () => {
    await mkdir(join(at.directory, '..'), { recursive: true })
    await writeFile(at.directory, '')
    expect(await refusal(at.keep())).toMatchObject({ code: 'misconfigured' })
    expect(await refusal(at.open().list())).toMatchObject({ code: 'misconfigured' })
  })
})
