import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { observe } from '../../../src/adapters/share/staged.ts'
import type { Share } from '../../../src/core/release/ports.ts'
import { type FuseMount, mountFuse, whyNoFuse } from '../../lab/fuse.ts'
import { refusal } from '../refusal.ts'
import { type ShareLab, startShareLab } from './lab.ts'

const versionsOf = async (share: Share) => (await share.staged()).map(({ version }) => version)

describe.skipIf(whyNoFuse())('a share whose server is away', () => {
  let at: ShareLab
  let directory: string
  let mount: FuseMount
  beforeEach(async () => {
    at = await startShareLab('127.0.44.25')
    directory = await mkdtemp(join(tmpdir(), 'caretaker-hanging-'))
    mount = await mountFuse(at.directory, directory)
  })
  afterEach(async () => {
    await mount[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
    await at[Symbol.asyncDispose]()
  })

  const silent = () => ({
    code: 'unreachable',
    message: `the share ${directory} does not answer: is its server up?`,
  })

  test('keeps nobody waiting, holds one look however many ask, and answers when it is back', async () => {
    await at.stage('v1.13.9')
    const share = at.open({ directory, answerWithin: 500 })
    mount.stop()
    const together = Array.from({ length: 10 }, () => refusal(share.staged()))
    for (const error of await Promise.all(together)) expect(error).toMatchObject(silent())
    const began = performance.now()
    for (const _ of together) expect(await refusal(share.staged())).toMatchObject(silent())
    // Who comes later does not wait for the limit again.
    expect(performance.now() - began).toBeLessThan(2_500)
    // Four looks that hang take all of the process's threads, and then this would hang too.
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    mount.goOn()
    await expect.poll(() => versionsOf(share).catch(() => undefined)).toEqual(['v1.13.9'])
  })

  test('is not staged on, and nothing is asked of the Factory', async () => {
    at.share = at.open({ directory, answerWithin: 100 })
    const asked = at.lab.requests.length
    mount.stop()
    for (const _ of [1, 2]) expect(await refusal(at.stage('v1.13.9'))).toMatchObject(silent())
    expect(at.lab.requests.length).toBe(asked)
    mount.goOn()
    at.share = at.open({ directory })
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true })
  })

  test('for less than the limit is only slow', async () => {
    await at.stage('v1.13.9')
    const share = at.open({ directory })
    mount.stop()
    const looks = [versionsOf(share), versionsOf(share)]
    mount.goOn()
    expect(await Promise.all(looks)).toEqual([['v1.13.9'], ['v1.13.9']])
  })
})

test('whoever asks for a fresh look while a slow one runs gets what is there after it', async () => {
  const looks: PromiseWithResolvers<string>[] = []
  const look = () => {
    looks.push(Promise.withResolvers())
    return looks.at(-1)!.promise
  }
  const observation = observe({ directory: '/srv/pxe' }, look, 60_000)
  const [slow, fresh] = [observation.present(), observation.fresh()]
  expect(looks.length).toBe(1)
  looks[0]!.resolve('before')
  expect(await slow).toBe('before')
  await expect.poll(() => looks.length).toBe(2)
  looks[1]!.resolve('after')
  expect(await fresh).toBe('after')
})
