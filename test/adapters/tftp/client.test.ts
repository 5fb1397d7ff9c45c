import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fetchByTftp } from '../../../src/adapters/tftp/client.ts'
import { type Behaviour, startLabTftp } from './server.ts'
import { soon } from '../../patience.ts'

const address = '127.0.91.1'
const limits = { resendAfter: 60, resends: 3 }

async function fetch(file: string, behaviour: Behaviour, most = 1_000_000) {
  await using server = await startLabTftp(address, behaviour)
  const signal = soon()
  const fetched = await fetchByTftp({ host: address, port: server.port }, file, { most, limits, signal })
  return { ...fetched, heard: [...server.heard] }
}

describe('a file is read byte for byte', () => {
  test.each([
    { name: 'of no bytes', length: 0 },
    { name: 'of less than a block', length: 1_467 },
    { name: 'of exactly a block, which an empty one follows', length: 1_468 },
    { name: 'of many blocks', length: 50_000 },
  ])('$name', async ({ length }) => {
    const bytes = randomBytes(length)
    const fetched = await fetch('boot.efi', { files: { 'boot.efi': bytes } })
    expect(Buffer.from(fetched.bytes).equals(bytes)).toBe(true)
    expect(fetched.size).toBe(length)
  })

  test.each<{ name: string; how: Partial<Behaviour> }>([
    { name: 'from a server without options', how: { isPlain: true } },
    { name: 'in smaller blocks than were asked for', how: { block: 700 } },
    { name: 'although packets are lost', how: { loses: 2 } },
    { name: 'although packets come twice', how: { doubles: true } },
    { name: 'although a stranger sends packets, too', how: { stranger: true } },
  ])('$name', async ({ how }) => {
    const bytes = randomBytes(5_000)
    const fetched = await fetch('boot.efi', { files: { 'boot.efi': bytes }, ...how })
    expect(Buffer.from(fetched.bytes).equals(bytes)).toBe(true)
  })
})

test('of a large file no more is read than is wanted, and the server is told so', async () => {
  const bytes = randomBytes(100_000)
  const fetched = await fetch('boot.efi', { files: { 'boot.efi': bytes } }, 4_000)
  expect(Buffer.from(fetched.bytes).equals(bytes.subarray(0, 4_000))).toBe(true)
  expect(fetched.size).toBe(100_000)
})

describe('what goes wrong is told', () => {
  test.each<{ name: string; how: Behaviour; error: object }>([
    {
      name: 'no such file',
      how: { files: {} },
      error: {
        code: 'rejected',
        message: expect.stringMatching(/refuses boot\.efi \("File not found"\): it has no such file/),
      },
    },
    {
      name: 'a server that stops in the middle',
      how: { files: { 'boot.efi': randomBytes(9_000) }, stopsAfter: 2 },
      error: { code: 'unreachable', message: expect.stringMatching(/stopped in the middle of boot\.efi/) },
    },
    {
      name: 'something else that answers',
      how: { files: {}, garbage: Buffer.from('HTTP/1.1 400') },
      error: { code: 'malformed' },
    },
    {
      name: 'larger blocks than were asked for',
      how: { files: { 'boot.efi': randomBytes(9_000) }, block: 2_000 },
      error: { code: 'malformed' },
    },
  ])('$name', async ({ how, error }) => {
    await expect(fetch('boot.efi', how)).rejects.toMatchObject(error)
  })

  test('nobody there', async () => {
    const asked = fetchByTftp({ host: address, port: 9 }, 'x', {
      most: 10,
      limits,
      signal: soon(),
    })
    await expect(asked).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/127\.0\.91\.1:9 does not answer/),
    })
  })

  test('whoever asked has gone: it ends at once', async () => {
    const stop = new AbortController()
    const asked = fetchByTftp({ host: address, port: 9 }, 'x', {
      most: 10,
      signal: stop.signal,
      limits: { resendAfter: 60_000, resends: 3 },
    })
    stop.abort()
    await expect(asked).rejects.toThrow(/abort/i)
  })
})
