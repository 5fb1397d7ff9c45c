import { execFileSync } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Factory, Share } from '../../../src/core/release/ports.ts'
import { refusal } from '../refusal.ts'
import { type ShareLab, startShareLab } from './lab.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.44.25')
})
afterEach(() => at[Symbol.asyncDispose]())

/** A manifest at which every reader hangs, as on a mount whose server is away. */
interface Mount {
  /** Waits until somebody hangs there. Later readers find nothing, and those who hang go on when it is closed. */
  reached(): Promise<FileHandle>
}

async function hang(): Promise<Mount> {
  const path = join(at.place('v1.13.8'), 'manifest.json')
  await mkdir(at.place('v1.13.8'), { recursive: true })
  execFileSync('mkfifo', [path])
  return {
    reached: async () => {
      // Refused as long as nobody reads.
      const reach = () => open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined)
      let handle: FileHandle | undefined
      await expect.poll(async () => (handle ??= await reach()) !== undefined).toBe(true)
      await rm(path)
      return handle!
    },
  }
}

const versionsOf = async (share: Share) => (await share.staged()).map(({ version }) => version)
const silent = () => ({
  code: 'unreachable',
  message: `the share ${at.directory} does not answer: is its server up?`,
})

describe('a share whose server is away', () => {
  test('keeps nobody waiting, holds one look however many ask, and answers when it is back', async () => {
    await at.stage('v1.13.9')
    const mount = await hang()
    at.share = at.open({ answerWithin: 2_000 })
    const together = Array.from({ length: 10 }, () => refusal(at.share.staged()))
    for (const error of await Promise.all(together)) expect(error).toMatchObject(silent())
    const began = performance.now()
    for (const _ of together) expect(await refusal(at.share.staged())).toMatchObject(silent())
    // Who comes later does not wait for the limit again: ten would wait for 20 s.
    expect(performance.now() - began).toBeLessThan(10_000)
    // Four looks that hang take all of the process's threads, and then this would hang too.
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    await (await mount.reached()).close()
    await expect.poll(() => versionsOf(at.share).catch(() => undefined)).toEqual(['v1.13.9'])
  })

  test('is not staged on, and nothing is asked of the Factory', async () => {
    const mount = await hang()
    at.share = at.open({ answerWithin: 100 })
    const asked = at.lab.requests.length
    for (const _ of [1, 2]) expect(await refusal(at.stage('v1.13.9'))).toMatchObject(silent())
    expect(at.lab.requests.length).toBe(asked)
    await (await mount.reached()).close()
    await expect.poll(() => at.stage('v1.13.9').catch(() => undefined)).toMatchObject({ published: true })
  })

  test('for less than the limit is only slow', async () => {
    await at.stage('v1.13.9')
    const mount = await hang()
    const [first, second] = [versionsOf(at.share), versionsOf(at.share)]
    await (await mount.reached()).close()
    expect([await first, await second]).toEqual([['v1.13.9'], ['v1.13.9']])
  })
})

test('an image that was staged during a slow look at the share is told to whoever staged it', async () => {
  for (const version of ['v1.12.11', 'v1.13.9']) await at.stage(version)
  let look: Promise<unknown> | undefined
  const held = Promise.withResolvers<FileHandle>()
  const factory: Pick<Factory, 'warm' | 'open'> = {
    warm: at.factory.warm,
    // The look has been at the image's place, where nothing was yet, and hangs at the next one.
    open: async (...rest) => {
      const mount = await hang()
      look = at.share.staged()
      held.resolve(await mount.reached())
      return at.factory.open(...rest)
    },
  }
  const staging = at.stage('v1.13.10', { factory })
  const handle = await held.promise
  await expect.poll(() => existsSync(join(at.place('v1.13.10'), 'manifest.json'))).toBe(true)
  await handle.close()
  expect(await staging).toMatchObject({ version: 'v1.13.10', published: true })
  expect(await look).toMatchObject([{ version: 'v1.13.9', published: true }, { version: 'v1.12.11' }])
  expect(await versionsOf(at.share)).toEqual(['v1.13.10', 'v1.13.9', 'v1.12.11'])
})
