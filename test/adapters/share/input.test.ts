import { execFileSync } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readInput } from '../../../src/adapters/share/apart/input.ts'
import { createFrameReader, failingFrame, frameHead, lastFrame } from '../../../src/adapters/share/apart/wire.ts'

let directory: string
let writer: FileHandle
let input: AsyncGenerator<Uint8Array>
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-input-'))
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Without waiting for who writes.
  input = readInput(openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK))
  writer = await open(pipe, 'w')
})
afterEach(async () => {
  await input.return(undefined)
  await writer.close()
  await rm(directory, { recursive: true })
})

test('whatever comes is read, to its end', async () => {
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7 + (at >> 10)) % 251))
  const written = writer.writeFile(sent).then(() => writer.close())
  const pieces: Buffer[] = []
  for await (const piece of input) pieces.push(Buffer.from(piece))
  await written
  expect(Buffer.concat(pieces).equals(sent)).toBe(true)
})

test('a piece stays as it came until the next is asked for', async () => {
  await writer.write('first')
  const { value: first } = await input.next()
  await writer.write('later')
  // Whoever read on would have done so by now.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(Buffer.from(first as Uint8Array).toString()).toBe('first')
  expect(Buffer.from((await input.next()).value as Uint8Array).toString()).toBe('later')
})

test('an end that comes while a piece is in use is not missed', async () => {
  await writer.write('last')
  await input.next()
  await writer.close()
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(await input.next()).toEqual({ done: true, value: undefined })
})

test.each([1, 2, 3, 5, 7, 64])('frames are read from pieces of %i bytes that share their memory', async (size) => {
  const failure = { code: 'rejected' as const, message: 'the Factory answers 404' }
  const stream = Buffer.concat([
    frameHead(1, 11),
    Buffer.from('first body,'),
    frameHead(1, 5),
    Buffer.from(' more'),
    lastFrame(1),
    frameHead(2, 3),
    Buffer.from('two'),
    failingFrame(2, failure),
  ])
  async function* shared() {
    const memory = Buffer.alloc(size)
    for (let at = 0; at < stream.length; at += size)
      yield memory.subarray(0, stream.copy(memory, 0, at, Math.min(at + size, stream.length)))
  }
  const frames = createFrameReader(shared())
  const read: string[] = []
  for await (const piece of frames.body(1)) read.push(Buffer.from(piece).toString())
  expect(read.join('')).toBe('first body, more')
  const second = (async () => {
    for await (const piece of frames.body(2)) read.push(Buffer.from(piece).toString())
  })()
  await expect(second).rejects.toMatchObject(failure)
  expect(read.join('')).toBe('first body, moretwo')
})
