import { lstat, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { messageOf } from '../../../src/core/errors.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import { soon } from '../../patience.ts'
import { bootName, orderOf, type ShareLab, startShareLab, stageOn } from './lab.ts'

/** Two daemons on one share, or a daemon and a command of the CLI: both go on with the same download. */

let at: ShareLab
let part: string
beforeEach(async () => {
  at = await startShareLab('127.0.44.41', { imageBytes: 3_000_000 })
  at.lab.faults.redirect = true
  part = join(at.place('v1.13.9'), `.${bootName}.part`)
})
afterEach(() => at[Symbol.asyncDispose]())

const order = orderOf('v1.13.9')

/** The Factory through a valve: bodies come piece by piece, as many as it has let through. */
function valve() {
  const asked = Promise.withResolvers<void>()
  const means = { let: 0, taken: 0, turned: Promise.withResolvers<void>() }
  async function* through(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body)
      for (let from = 0; from < chunk.length; from += 100_000) {
        while (means.taken >= means.let) await means.turned.promise
        yield chunk.subarray(from, from + 100_000)
        means.taken += 1
      }
  }
  const factory: Pick<Factory, 'warm' | 'open'> = {
    warm: at.factory.warm,
    open: async (...rest) => {
      const download = await at.factory.open(...rest)
      asked.resolve()
      return { ...download, body: through(download.body) }
    },
  }
  return {
    factory,
    /** When the download was asked for. */
    asked: asked.promise,
    /** Lets so many pieces more through. */
    turn: (pieces: number) => {
      means.let += pieces
      means.turned.resolve()
      means.turned = Promise.withResolvers()
    },
    taken: () => means.taken,
  }
}

/** A part of a download that was killed after so many bytes. */
async function leavePart(bytes: number): Promise<void> {
  at.lab.faults.cutAfterBytes = bytes
  const once: Pick<Factory, 'warm' | 'open'> = {
    warm: at.factory.warm,
    open: (asked, resume, signal) =>
      resume ? Promise.reject(new TypeError('killed')) : at.factory.open(asked, resume, signal),
  }
  await at.share.stage(order, once, soon()).catch(() => undefined)
  expect((await stat(part)).size).toBeGreaterThan(0)
}

test('two that go on with one download and both end leave a part that the next one can go on with', async () => {
  await leavePart(300_000)
  const [one, other] = [valve(), valve()]
  const stop = new AbortController()
  const stages = [one, other].map(({ factory }) =>
    at
      .open()
      .stage(order, factory, AbortSignal.any([soon(), stop.signal]))
      .then(() => undefined, messageOf),
  )
  await Promise.all([one.asked, other.asked])
  // More than a batch of each, in turns.
  for (let piece = 1; piece <= 25; piece++)
    for (const each of [one, other]) {
      each.turn(1)
      await expect.poll(each.taken, { interval: 1 }).toBe(piece)
    }
  stop.abort()
  for (const each of [one, other]) each.turn(1)
  await Promise.all(stages)
  const left = await readFile(part)
  expect(left.length).toBeGreaterThan(1_000_000)
  expect(left.equals(at.image('v1.13.9').subarray(0, left.length))).toBe(true)
  await stageOn({ share: at.share, factory: at.factory }, order)
  expect((await at.published()).equals(at.image('v1.13.9'))).toBe(true)
})

test('whoever goes on with a download that another one has published writes nothing to what machines boot', async () => {
  await leavePart(300_000)
  const late = valve()
  const second = at
    .open()
    .stage(order, late.factory, soon())
    .then(() => undefined, messageOf)
  await late.asked
  await stageOn({ share: at.share, factory: at.factory }, order)
  const published = join(at.directory, bootName)
  const { size, mtimeMs } = await stat(published)
  late.turn(Infinity)
  expect(await second).toBe(`something else writes to ${part}: does another Caretaker use this share?`)
  expect(await stat(published)).toMatchObject({ size, mtimeMs })
  expect((await at.published()).equals(at.image('v1.13.9'))).toBe(true)
})

test('an image that was built anew gets a file of its own: another one may still write the old one', async () => {
  await leavePart(300_000)
  await using old = await open(part, 'r')
  const { size } = await old.stat()
  await writeFile(`${part}.etag`, '"of another build"')
  await stageOn({ share: at.share, factory: at.factory }, order)
  expect((await old.stat()).size).toBe(size)
  expect((await at.published()).equals(at.image('v1.13.9'))).toBe(true)
})

test('a link of the same length that somebody puts in the place of a download is not taken for it', async () => {
  const one = valve()
  const staged = at.share.stage(order, one.factory, soon()).then(() => undefined, messageOf)
  await one.asked
  one.turn(1)
  await expect.poll(one.taken, { interval: 1 }).toBe(1)
  const elsewhere = join(at.directory, 'of-somebody')
  await writeFile(elsewhere, at.image('v1.13.9'))
  await expect
    .poll(
      () =>
        rm(part).then(
          () => true,
          () => false,
        ),
      { interval: 1 },
    )
    .toBe(true)
  await symlink(elsewhere, part)
  one.turn(Infinity)
  expect(await staged).toBeUndefined()
  const own = join(at.place('v1.13.9'), bootName)
  expect((await lstat(own)).isFile()).toBe(true)
  expect((await readFile(own)).equals(at.image('v1.13.9'))).toBe(true)
})
