import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorOf, failureOf } from '../../../src/adapters/share/apart/wire.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import { ShareFull } from '../../../src/core/release/share-full.ts'
import { mountFuse, whyNoFuse } from '../../lab/fuse.ts'
import { unprivileged } from '../../lab/unprivileged.ts'
import { refusal } from '../refusal.ts'
import { orderOf, type ShareLab, startShareLab, stageOn } from './lab.ts'

// Only root may mount; where the whole of the tests is to run, root is there.
const isRoot = process.getuid?.() === 0
const mayMount = isRoot || process.env['CI'] === 'true'

let at: ShareLab
const mounts: string[] = []
beforeEach(async () => {
  at = await startShareLab('127.0.44.24', { imageBytes: 3_000_000 })
})
afterEach(async () => {
  for (const path of mounts.splice(0)) execFileSync('umount', [path])
  await at[Symbol.asyncDispose]()
})

/** A share on a file system of its own. */
async function mount(options: string): Promise<string> {
  const path = join(at.directory, 'disk')
  await mkdir(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  mounts.push(path)
  at.share = at.open({ directory: path })
  return path
}

const stage = (factory: Pick<Factory, 'warm' | 'open'> = at.factory) =>
  stageOn({ share: at.share, factory }, orderOf('v1.13.9'))
/** The Factory, as one that does not say how much will come. */
const unannounced = (): Pick<Factory, 'warm' | 'open'> => ({
  warm: async () => undefined,
  open: async (...order) => ({ ...(await at.factory.open(...order)), size: undefined }),
})
/** The Factory, where something happens when half of the image has come. */
const during = (happen: () => void): Pick<Factory, 'warm' | 'open'> => ({
  warm: at.factory.warm,
  open: async (...asked) => {
    const download = await at.factory.open(...asked)
    async function* body() {
      let sent = 0
      for await (const chunk of download.body) {
        if (sent < 1_500_000 && sent + chunk.length >= 1_500_000) happen()
        sent += chunk.length
        yield chunk
      }
    }
    return { ...download, body: body() }
  },
})
const filesOf = async (path: string) => {
  const all = await at.files()
  const below = `${path.slice(at.directory.length + 1)}/`
  return all.filter((file) => file.startsWith(below)).map((file) => file.slice(below.length))
}

describe('a share without room', () => {
  test('is found before anything is taken of it', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    const path = await mount('size=5m')
    const error = await refusal(stage())
    expect(error.code).toBe('rejected')
    expect(error.message).toMatch(
      /^the share has 5 MB free and needs 6 MB: free space in \/\S+\/talos\/v1\.13\.9\/\S+$/,
    )
    expect(await filesOf(path)).toEqual([])
    expect(at.lab.requests.filter(({ method, path }) => method === 'GET' && path.startsWith('/image'))).toEqual([])
  })

  test('that runs full in the middle says so, and gets back what was taken', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    const path = await mount('size=2m')
    const error = await refusal(stage(unannounced()))
    expect(error.code).toBe('rejected')
    expect(error.message).toMatch(/^the share is full: free space in /)
    expect(await filesOf(path)).toEqual([])
  })

  test('that something else fills while an image comes says how much it needs, to other processes as well', async ({
    skip,
  }) => {
    skip(!mayMount, 'only root can mount a small disk')
    const path = await mount('size=8m')
    const fill = () => {
      try {
        writeFileSync(join(path, 'photos'), Buffer.alloc(9_000_000))
      } catch {
        // All that was left is taken.
      }
    }
    const { length } = at.image('v1.13.9')
    const error = await refusal(stage(during(fill)))
    for (const told of [error, errorOf(structuredClone(failureOf(error)))]) {
      expect(told).toBeInstanceOf(ShareFull)
      expect(told).toMatchObject({ code: 'rejected', needed: 2 * length })
    }
    expect(await at.share.whyNotWritable(2 * length)).toMatch(
      /^the share has \d MB free and needs 6 MB: free space in /,
    )
    expect(await at.share.whyNotWritable(undefined)).toBeUndefined()
    await rm(join(path, 'photos'))
    expect(await at.share.whyNotWritable(2 * length)).toBeUndefined()
    expect(await stage()).toMatchObject({ published: true })
  })

  test('counts what it has of the image already', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    // Room for the image twice and little more: with most of it there, not twice again.
    await mount('size=7m')
    at.lab.faults.redirect = true
    at.lab.faults.cutAfterBytes = 2_500_000
    const once: Pick<Factory, 'warm' | 'open'> = {
      warm: at.factory.warm,
      open: (order, resume, signal) =>
        resume ? Promise.reject(new TypeError('killed')) : at.factory.open(order, resume, signal),
    }
    expect((await refusal(stage(once))).retryable).toBe(true)
    expect((await stage()).published).toBe(true)
    // Some of what came last may be lost with the connection.
    expect(at.lab.requests.at(-1)?.range).toMatch(/^bytes=2[2-5]\d{5}-$/)
  })

  test('that runs full while an image is published keeps the one before', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a small disk')
    const path = await mount('size=8m')
    await stage()
    const order = orderOf('v1.13.10')
    const filling: Pick<Factory, 'warm' | 'open'> = {
      warm: async () => undefined,
      open: async (...rest) => {
        const download = await unannounced().open(...rest)
        await writeFile(join(path, 'photos'), Buffer.alloc(3_000_000))
        return download
      },
    }
    const staging = stageOn({ share: at.share, factory: filling }, order)
    expect((await refusal(staging)).message).toMatch(/^the share is full/)
    expect(await at.share.staged()).toMatchObject([{ version: 'v1.13.9', published: true }])
  })
})

describe('a share that can’t be used', () => {
  test('because it is not mounted is named', async () => {
    const directory = join(at.directory, 'volume1', 'tftp')
    at.share = at.open({ directory })
    const message = `share.directory ${directory} does not exist: is the share mounted?`
    expect(await refusal(stage())).toMatchObject({ code: 'misconfigured', message })
    expect(await at.share.whyNotWritable(undefined)).toBe(message)
  })

  test('because it is a file is named', async () => {
    const directory = join(at.directory, 'tftp')
    await writeFile(directory, '')
    at.share = at.open({ directory })
    expect(await refusal(stage())).toMatchObject({ code: 'misconfigured' })
  })

  test('because it is mounted read-only says what to check', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a disk read-only')
    const path = await mount('ro')
    const error = await refusal(stage())
    expect(error.code).toBe('misconfigured')
    expect(error.message).toMatch(
      new RegExp(
        `^${path}/talos can't be written: the file system is mounted read-only.*\\. Check who owns the share and how it is mounted$`,
      ),
    )
    expect(await at.share.whyNotWritable(undefined)).toMatch(/can't be written: the file system is mounted read-only/)
  })

  test('because it belongs to somebody else says what to check', async () => {
    await chmod(at.directory, 0o555)
    const error = await unprivileged(() => refusal(stage()))
    await chmod(at.directory, 0o755)
    expect(error.code).toBe('misconfigured')
    expect(error.message).toContain('permission denied')
  })

  test('because its folder is closed is told, and not taken for an empty one', async () => {
    await at.stage('v1.13.9')
    for (const folder of [at.directory, join(at.directory, 'talos')]) {
      await chmod(folder, 0o000)
      const looks = await unprivileged(() =>
        Promise.all([refusal(at.share.staged()), refusal(at.share.names()), refusal(stage())]),
      )
      await chmod(folder, 0o755)
      for (const error of looks)
        expect(error).toMatchObject({
          code: 'misconfigured',
          message: `${folder} can't be read: permission denied. Check who owns the share and how it is mounted`,
        })
    }
    expect(await at.share.staged()).toMatchObject([{ version: 'v1.13.9', published: true }])
  })

  test('because it was unmounted while an image came is told so, and nothing is written below', async ({ skip }) => {
    skip(!mayMount, 'only root can mount a disk')
    const path = await mount('size=9m')
    const error = await refusal(stage(during(() => execFileSync('umount', ['--lazy', path]))))
    mounts.length = 0
    expect(error).toMatchObject({ code: 'unreachable', retryable: true })
    expect(error.message).toMatch(
      new RegExp(`^${path}/talos/v1.13.9/\\S+ is gone: was the share unmounted\\? Mount it again$`),
    )
    expect(await filesOf(path)).toEqual([])
  })

  test('because it turned read-only between two tries is told so, and the image comes once it can be written', async ({
    skip,
  }) => {
    skip(!mayMount, 'only root can mount a disk read-only')
    const path = await mount('size=9m')
    at.lab.faults.redirect = true
    at.lab.faults.cutAfterBytes = 1_000_000
    const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, path])
    const once: Pick<Factory, 'warm' | 'open'> = {
      warm: at.factory.warm,
      open: (order, resume, signal) =>
        resume ? Promise.reject(new TypeError('killed')) : at.factory.open(order, resume, signal),
    }
    await refusal(stage(once))
    remount('ro')
    const error = await refusal(stage())
    expect(error.message).toMatch(/can't be written: the file system is mounted read-only/)
    remount('rw')
    expect(await stage()).toMatchObject({ version: 'v1.13.9', published: true })
  })

  test.skipIf(whyNoFuse())('because what mounts it died is told, and never blamed on the Factory', async () => {
    const path = join(at.directory, 'mounted')
    await mkdir(path)
    await mkdir(join(at.directory, 'nas'))
    await using mounted = await mountFuse(join(at.directory, 'nas'), path)
    at.share = at.open({ directory: path, memory: { recall: () => undefined, remember: async () => mounted.end() } })
    const error = await refusal(stage())
    expect(error.code).toBe('unreachable')
    expect(error.message).toMatch(new RegExp(`^${path}/.*: .*\\. Check the disk or the server of the share$`))
  })

  test('because it was unmounted in the middle is tried again later', async () => {
    const { warm, open } = at.factory
    const gone: Pick<Factory, 'warm' | 'open'> = {
      warm: async (...order) => {
        await rm(join(at.directory, 'talos'), { recursive: true })
        return warm(...order)
      },
      open,
    }
    const error = await refusal(stage(gone))
    expect(error.retryable).toBe(true)
    expect(error.message).toBe(`${at.place('v1.13.9')} is gone: was the share unmounted? Mount it again`)
  })
})

test.each(['before the download', 'with it'])(
  'a size that no image has is refused %s, and nothing is left',
  async (when) => {
    const petabyte = 1e15
    const boasting: Pick<Factory, 'warm' | 'open'> = {
      warm: async () => (when === 'with it' ? undefined : petabyte),
      open: async (...order) => ({ ...(await at.factory.open(...order)), size: petabyte }),
    }
    expect(await refusal(stage(boasting))).toMatchObject({
      code: 'malformed',
      message: 'the download is larger than 1 GiB, which no image of Talos is',
    })
    expect(await at.files()).toEqual([])
  },
)
