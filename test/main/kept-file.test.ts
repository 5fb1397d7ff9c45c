import { mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { keepFile, type KeptFile } from '../../src/main/kept-file.ts'

interface Content {
  readonly word: string
}

let directory: string
let file: string
let beside: string
let troubles: (string | undefined)[]
let readings: number
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-kept-'))
  file = join(directory, 'file')
  beside = join(directory, 'beside')
  troubles = []
  readings = 0
  await writeFile(file, 'one')
})
afterEach(() => rm(directory, { recursive: true }))

/** A file whose text is a word, or `@` for the word in the file beside it; `bad` is none. */
const read = async () => {
  readings += 1
  const text = await readFile(file, 'utf8').catch(() => {
    throw new AgentError('misconfigured', 'the file is not there')
  })
  const isLink = text === '@'
  const word = isLink ? await readFile(beside, 'utf8').catch(() => 'bad') : text
  if (word.startsWith('bad')) throw new AgentError('misconfigured', `it is ${word}`)
  return { value: { word }, files: isLink ? [file, beside] : [file] }
}
const keep = (): Promise<KeptFile<Content>> => keepFile({ read, trouble: (why) => void troubles.push(why) })

describe('a file that is kept', () => {
  test('is not read again while it stays as it is, however many ask', async () => {
    const kept = await keep()
    await kept.current()
    const before = readings
    const all = await Promise.all([kept.current(), kept.current(), kept.current()])
    expect(new Set([...all, kept.last]).size).toBe(1)
    expect(readings).toBe(before)
  })

  test('that changed while it was read first is read again', async () => {
    const first = Promise.withResolvers<void>()
    const kept = await keepFile({
      read: async () => {
        const reading = await read()
        if (readings === 1) await writeFile(file, 'two').then(first.resolve)
        return reading
      },
      trouble: () => {},
    })
    await first.promise
    expect(kept.last?.word).toBe('one')
    expect((await kept.current()).word).toBe('two')
  })

  test('is read again when it was written, replaced, or its link leads elsewhere', async () => {
    const kept = await keep()
    await writeFile(file, 'two')
    expect((await kept.current()).word).toBe('two')
    await writeFile(beside, 'six')
    await rename(beside, file)
    expect((await kept.current()).word).toBe('six')
    await writeFile(beside, 'ten')
    await rm(file)
    await symlink(beside, file)
    expect((await kept.current()).word).toBe('ten')
    await writeFile(beside, 'end')
    expect((await kept.current()).word).toBe('end')
    expect(troubles).toEqual([])
  })

  test('is read again when a file that it names has changed', async () => {
    await writeFile(file, '@')
    await writeFile(beside, 'a')
    const kept = await keep()
    await writeFile(beside, 'b')
    expect((await kept.current()).word).toBe('b')
  })

  test('stays the same object when only its date has changed', async () => {
    const kept = await keep()
    const before = await kept.current()
    const count = readings
    await utimes(file, 1, 1)
    expect(await kept.current()).toBe(before)
    expect(readings).toBe(count + 1)
  })

  test('that is broken or gone keeps what it said last, and each is said once', async () => {
    const kept = await keep()
    await writeFile(file, 'bad')
    expect((await kept.current()).word).toBe('one')
    expect((await kept.current()).word).toBe('one')
    expect(troubles).toEqual(['it is bad'])
    await rm(file)
    expect((await kept.current()).word).toBe('one')
    expect(troubles).toEqual(['it is bad', 'the file is not there'])
    await writeFile(file, 'two')
    expect((await kept.current()).word).toBe('two')
    expect(troubles.at(-1)).toBeUndefined()
  })

  test('that stays broken is said once, however often it is read, and again once it was mended between', async () => {
    const kept = await keep()
    await writeFile(file, 'bad')
    for (let times = 0; times < 3; times++) await kept.reread()
    expect(troubles).toEqual(['it is bad'])
    await writeFile(file, 'two')
    await kept.reread()
    await writeFile(file, 'bad')
    await kept.reread()
    expect(troubles).toEqual(['it is bad', undefined, 'it is bad'])
  })

  test('that names a file which comes late is used with the next reading', async () => {
    const kept = await keep()
    await writeFile(file, '@')
    expect((await kept.current()).word).toBe('one')
    await writeFile(beside, 'late')
    expect((await kept.reread()).word).toBe('late')
    expect(troubles).toEqual(['it is bad', undefined])
  })

  test('is read on demand whatever its date says', async () => {
    const kept = await keep()
    await kept.current()
    const before = readings
    await kept.reread()
    expect(readings).toBe(before + 1)
  })

  test('is not begun with when it is broken', async () => {
    await writeFile(file, 'bad')
    await expect(keep()).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('on a share that hangs is not waited for: what it said last is used', async () => {
    let hang: Promise<void> | undefined
    const release = Promise.withResolvers<void>()
    const kept = await keepFile({
      read: async () => {
        await hang
        return read()
      },
      trouble: () => {},
    })
    await writeFile(file, 'two')
    hang = release.promise
    expect((await kept.current()).word).toBe('one')
    const begin = performance.now()
    for (let times = 0; times < 100; times++) expect((await kept.current()).word).toBe('one')
    // Only the first had to find out, at 250 ms.
    expect(performance.now() - begin).toBeLessThan(15_000)
    release.resolve()
    await expect.poll(async () => (await kept.current()).word).toBe('two')
  })

  test('that is not there yet is waited for where that can wait, and is an error for whoever asks until it comes', async () => {
    await rm(file)
    await expect(keep()).rejects.toMatchObject({ message: 'the file is not there' })
    const asked: unknown[] = []
    const kept = await keepFile({
      read,
      trouble: (why) => void troubles.push(why),
      canWait: (error) => {
        asked.push(error)
        return true
      },
    })
    expect(asked).toHaveLength(1)
    expect(kept.last).toBeUndefined()
    await expect(kept.current()).rejects.toMatchObject({ code: 'misconfigured', message: 'the file is not there' })
    await writeFile(file, 'two')
    expect((await kept.reread()).word).toBe('two')
    expect((await kept.current()).word).toBe('two')
    expect(troubles).toEqual(['the file is not there', undefined])
  })
})
