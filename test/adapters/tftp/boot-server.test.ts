import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createBootServer } from '../../../src/adapters/tftp/boot-server.ts'
import { BootServerRefusal } from '../../../src/core/release/served.ts'
import { refusal } from '../refusal.ts'
import { startLabTftp } from './server.ts'
import { soon } from '../../patience.ts'

const address = '127.0.116.5'
const bytes = randomBytes(40_000)
const sha256 = (part: Buffer) => createHash('sha256').update(part).digest('hex')
const signal = () => soon()

async function open() {
  const server = await startLabTftp(address, { files: { 'boot.efi': bytes }, window: 4 })
  const limits = { resendAfter: 60, resends: 2 }
  return { server, boot: createBootServer('nas', { host: address, port: server.port }, limits) }
}

describe('what a boot server serves', () => {
  test('is told by the digest of its first block', async () => {
    const { server, boot } = await open()
    await using _ = server
    expect(await boot.read('boot.efi', 1_468, signal())).toEqual({
      size: bytes.length,
      sha256: sha256(bytes.subarray(0, 1_468)),
    })
    // The transfer is ended, and not left to time out.
    await expect.poll(() => server.heard).toContain('error 8')
  })

  test('is told by the digest of a part of a block', async () => {
    const { server, boot } = await open()
    await using _ = server
    expect((await boot.read('boot.efi', 10, signal())).sha256).toBe(sha256(bytes.subarray(0, 10)))
  })

  test('is told by the digest of all of it', async () => {
    const { server, boot } = await open()
    await using _ = server
    expect(await boot.read('boot.efi', undefined, signal())).toEqual({ size: bytes.length, sha256: sha256(bytes) })
  })

  test('is nothing where it has no such file', async () => {
    const { server, boot } = await open()
    await using _ = server
    const error = await refusal(boot.read('other.efi', undefined, signal()))
    expect(error).toBeInstanceOf(BootServerRefusal)
    expect(error).toMatchObject({ number: 1 })
  })
})
