import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { appendFile, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeReadable } from '../../../src/adapters/share/own-file.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { refusal } from '../refusal.ts'
import { bootName, orderOf, type ShareLab, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: ShareLab
let place: string
let part: string
let published: string
beforeEach(async () => {
  at = await startShareLab('127.0.44.38')
  // With an ETag, which is kept beside a part.
  at.lab.faults.redirect = true
  place = at.place('v1.13.9')
  part = join(place, `.${bootName}.part`)
  published = join(at.directory, bootName)
  await at.stage('v1.13.8')
  await mkdir(place, { recursive: true })
})
afterEach(() => at[Symbol.asyncDispose]())

const pipe = (path: string) => void execFileSync('mkfifo', [path])
const expectWhole = async () => {
  expect((await at.published()).equals(at.image('v1.13.9'))).toBe(true)
  expect((await readdir(place)).toSorted()).toEqual(['manifest.json', bootName].toSorted())
}

describe('what others have put in the place of a file of ours', () => {
  test.each<{ what: string; put: () => unknown }>([
    { what: 'a pipe for the download', put: () => pipe(part) },
    { what: 'a pipe for its ETag', put: () => pipe(`${part}.etag`) },
    { what: 'a pipe for the manifest', put: () => pipe(join(place, 'manifest.json')) },
    { what: 'a pipe for the published name', put: () => rm(published).then(() => pipe(published)) },
    {
      what: 'a pipe for the record of a name',
      put: () => rm(`${published}.json`).then(() => pipe(`${published}.json`)),
    },
  ])('$what: it is replaced, and nobody waits for it', async ({ put }) => {
    await put()
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true })
    await expectWhole()
  })

  test.each(['', '.etag'])('a link for the download%s: what it leads to is left as it is', async (suffix) => {
    const elsewhere = join(at.directory, 'elsewhere')
    await writeFile(elsewhere, 'somebody’s', { mode: 0o600 })
    await symlink(elsewhere, `${part}${suffix}`)
    await at.stage('v1.13.9')
    await expectWhole()
    expect(await readFile(elsewhere, 'utf8')).toBe('somebody’s')
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o600)
  })

  test('a second name of what machines boot for the download: they go on booting it whole', async () => {
    await link(published, part)
    await writeFile(`${part}.etag`, '"another"')
    at.lab.faults.trickleAfterBytes = 50_000
    const staging = at.share.stage(orderOf('v1.13.9'), at.factory, soon())
    await expect.poll(async () => (await stat(part)).ino !== (await stat(published)).ino).toBe(true)
    expect((await at.published()).equals(at.image('v1.13.8'))).toBe(true)
    at.lab.faults.trickleAfterBytes = undefined
    await staging
    expect((await at.published()).equals(at.image('v1.13.8'))).toBe(true)
  })

  test('a link for a staged image: it counts as absent, and is brought again', async () => {
    await at.stage('v1.13.9', { publish: false })
    const copy = join(at.directory, 'copy')
    await writeFile(copy, at.image('v1.13.9'))
    await rm(join(place, bootName))
    await symlink(copy, join(place, bootName))
    expect((await at.share.staged()).map(({ version }) => version)).toEqual(['v1.13.8'])
    await at.stage('v1.13.9')
    await expectWhole()
  })

  test('a record that somebody has made large: it is not read, and replaced', async () => {
    await appendFile(`${published}.json`, ' '.repeat(300_000))
    expect(await at.share.names()).toEqual([])
    await at.stage('v1.13.9')
    expect(await at.share.names()).toMatchObject([{ version: 'v1.13.9', fault: undefined }])
  })

  test('a link when a file is made readable: what it leads to is not', async () => {
    const elsewhere = join(at.directory, 'elsewhere')
    await writeFile(elsewhere, 'somebody’s', { mode: 0o600 })
    await symlink(elsewhere, part)
    await expect(makeReadable(part)).rejects.toMatchObject({ code: 'ELOOP' })
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o600)
  })

  test('a pipe for a staged image: verifying says that it is no file', async () => {
    await rm(published)
    pipe(published)
    expect(await at.share.verify(orderOf('v1.13.8'), soon())).toContainEqual(
      expect.objectContaining({ path: bootName, fault: `${published} is no file` }),
    )
  })

  test.each<{ what: string; folder: () => string }>([
    { what: 'the published name', folder: () => published },
    { what: 'its record', folder: () => `${published}.json` },
    { what: 'the download', folder: () => part },
    { what: 'the image', folder: () => join(place, bootName) },
    { what: 'the manifest', folder: () => join(place, 'manifest.json') },
  ])('a folder for $what: it stays, and is named', async ({ folder }) => {
    const path = folder()
    await rm(path, { force: true })
    await mkdir(path)
    await writeFile(join(path, 'somebody’s'), '')
    expect(await refusal(at.stage('v1.13.9'))).toMatchObject({
      code: 'misconfigured',
      message: `${path} is a folder where a file belongs: move it away`,
    })
    expect(await readdir(path)).toEqual(['somebody’s'])
  })

  test('a file for a folder: it stays, and is named', async () => {
    await rm(place, { recursive: true })
    await rm(dirname(place), { recursive: true })
    await writeFile(dirname(place), '')
    expect(await refusal(at.stage('v1.13.9'))).toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/^a folder of \S+ is a file: move that away$/),
    })
  })
})

describe.each(['without an ETag', 'with one'])('two who bring the same image at once, %s', (etag) => {
  test.each([0, 0.5, 0.9])('the second after %d of it: neither publishes what is not whole', async (after) => {
    at.lab.faults.redirect = etag === 'with one'
    const size = at.image('v1.13.9').length
    const [half, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { open } = at.factory
    async function* halting(body: AsyncIterable<Uint8Array>) {
      let sent = 0
      for await (const chunk of body)
        for (let from = 0; from < chunk.length; from += 10_000) {
          if (sent >= after * size) {
            half.resolve()
            await opened.promise
          }
          sent += 10_000
          yield chunk.subarray(from, from + 10_000)
        }
    }
    const first = at.stage('v1.13.9', {
      factory: {
        ...at.factory,
        open: async (...asked) => {
          const download = await open(...asked)
          return { ...download, body: halting(download.body) }
        },
      },
    })
    const ended = first.then(() => undefined, messageOf)
    await half.promise
    const other = { ...at.factory, open: (...asked: Parameters<typeof open>) => open(...asked).finally(opened.resolve) }
    const second = at.open().stage(orderOf('v1.13.9'), other, soon())
    const words = await Promise.all([ended, second.then(() => undefined, messageOf)])
    for (const each of words.filter((one) => one !== undefined))
      expect(each).toMatch(/does another Caretaker use this share|does something else write there|was rejected/)
    expect([at.image('v1.13.8'), at.image('v1.13.9')].some((image) => image.equals(readFileSync(published)))).toBe(true)
    await at.stage('v1.13.9')
    await expectWhole()
  })
})
