import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readByTftp } from '../../../src/adapters/tftp/client.ts'
import { lacks } from '../../lab/needs.ts'
import { startTftpd, whyNoTftpd } from '../../lab/tftpd.ts'
import { type Behaviour, startLabTftp } from './server.ts'
import { soon } from '../../patience.ts'

const address = '127.0.116.2'
const limits = { resendAfter: 200, resends: 3 }

/** Reads all of a file, and answers its digest instead of its bytes. */
async function digestOf(host: string, port: number, window: number) {
  const hash = createHash('sha256')
  const { size } = await readByTftp({ host, port }, 'boot.efi', {
    window,
    limits,
    signal: soon(),
    take: (bytes) => {
      hash.update(bytes)
      return true
    },
  })
  return { size, sha256: hash.digest('hex') }
}

async function read(bytes: Buffer, behaviour: Partial<Behaviour>, window = 4) {
  await using server = await startLabTftp(address, { files: { 'boot.efi': bytes }, ...behaviour })
  return { ...(await digestOf(address, server.port, window)), heard: [...server.heard] }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('a file is read in windows', () => {
  test.each<{ name: string; how: Partial<Behaviour> }>([
    { name: 'of four blocks', how: { window: 4 } },
    { name: 'of fewer than were asked for', how: { window: 2 } },
    { name: 'from a server that knows none', how: {} },
    { name: 'of which blocks are lost', how: { window: 4, losesEvery: 7 } },
    { name: 'whose blocks come twice', how: { window: 4, doubles: true } },
  ])('$name', async ({ how }) => {
    const bytes = randomBytes(100_000)
    expect(await read(bytes, how)).toMatchObject({ size: bytes.length, sha256: sha256(bytes) })
  })

  test('of which each is acknowledged once', async () => {
    const bytes = randomBytes(1_468 * 9)
    const { heard } = await read(bytes, { window: 4 })
    // The last one may come after the server has gone.
    expect(heard.slice(0, 3)).toEqual(['ack 0', 'ack 4', 'ack 8'])
  })

  test('of larger ones than were asked for is malformed', async () => {
    await expect(read(randomBytes(9_000), { window: 9 })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('wants windows of 9 blocks, where 4 were asked for'),
    })
  })
})

describe('a file of more than 65,535 blocks', () => {
  const bytes = randomBytes(65_540 * 8)

  test('goes on with block 0, as firmware counts', async () => {
    expect(await read(bytes, { block: 8, window: 4 })).toMatchObject({ size: bytes.length, sha256: sha256(bytes) })
  })

  test('of a server that goes on with block 1 is told: no firmware would read it', async () => {
    await expect(read(bytes, { block: 8, skipsZero: true }, 1)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('counts on from 1 after block 65,535, where firmware expects 0'),
    })
  })
})

test.skipIf(lacks(whyNoTftpd()))('Debian’s tftpd-hpa serves a file beyond block 65,535 whole', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-tftp-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const bytes = randomBytes(1_468 * 65_540)
  await writeFile(join(directory, 'boot.efi'), bytes, { mode: 0o644 })
  stack.use(await startTftpd(directory, address, 1_069))
  expect(await digestOf(address, 1_069, 4)).toEqual({ size: bytes.length, sha256: sha256(bytes) })
})
