import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refuseSignature } from '../../../src/adapters/share/uki-file.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createRandom } from '../../core/random.ts'
import { imageOf, sectionOf } from '../../core/release/images.ts'
import { lacks } from '../../lab/needs.ts'
import { signUki, whyNoSigning } from '../../lab/uki/real-uki.ts'
import { createSigner, signImage } from '../../lab/uki/sign-image.ts'
import { refusal } from '../refusal.ts'
import { startShareLab } from './lab.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-signed-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const factory = await createSigner('a Factory')
const stranger = await createSigner('a stranger')
const image = imageOf({ fillBytes: 20_001 })

async function refuse(bytes: Buffer, pinned = [factory.certificate], mustBeSigned = true) {
  const path = join(directory, 'image.efi')
  await writeFile(path, bytes)
  return refuseSignature(path, { pinned, mustBeSigned })
}

/** A changed byte in what the machine boots. */
function changed(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes)
  other[sectionOf(bytes, '.cmdline').offset]! ^= 1
  return other
}

describe('an image is taken', () => {
  test('that is signed by a pinned certificate', async () => {
    expect(await refuse(signImage(image, factory))).toBeUndefined()
  })

  test('that is signed by one of several', async () => {
    expect(await refuse(signImage(image, factory), [stranger.certificate, factory.certificate])).toBeUndefined()
  })

  test('whose signer a pinned authority vouches for', async () => {
    const own = await createSigner('own', { by: factory, isAuthority: false })
    expect(await refuse(signImage(image, own))).toBeUndefined()
  })

  test('with an authority in between, which it carries', async () => {
    const between = await createSigner('between', { by: factory })
    const own = await createSigner('own', { by: between, isAuthority: false })
    const certificates = [own.der, between.der]
    expect(await refuse(signImage(image, own, { certificates }))).toBeUndefined()
    expect(await refuse(signImage(image, own))).toContain('it is signed by CN=own, which is not pinned')
  })

  test('that carries no certificate, where the pinned one is its own', async () => {
    expect(await refuse(signImage(image, factory, { certificates: [] }))).toBeUndefined()
  })

  test('without a signature, where it needs none', async () => {
    expect(await refuse(image, [factory.certificate], false)).toBeUndefined()
  })
})

describe('an image is refused', () => {
  test('without a signature', async () => {
    expect(await refuse(image)).toBe('it is not signed')
  })

  test('that is signed by somebody else', async () => {
    expect(await refuse(signImage(image, stranger))).toBe('it is signed by CN=a stranger, which is not pinned')
    expect(await refuse(signImage(image, stranger), [factory.certificate], false)).toContain('which is not pinned')
  })

  test('whose signer has the name of a pinned one', async () => {
    const impostor = await createSigner('a Factory')
    expect(await refuse(signImage(image, impostor))).toContain('which is not pinned')
  })

  test('whose signer was issued by one that may issue none', async () => {
    const leaf = await createSigner('leaf', { by: factory, isAuthority: false })
    const own = await createSigner('own', { by: leaf })
    expect(await refuse(signImage(image, own, { certificates: [own.der, leaf.der] }))).toContain('which is not pinned')
  })

  test('that was changed after it was signed', async () => {
    expect(await refuse(changed(signImage(image, factory)))).toContain('it was changed after it was signed')
  })

  test('whose signature is of other contents', async () => {
    expect(await refuse(signImage(image, factory, { wrongMessageDigest: true }))).toBe(
      'its signature does not fit what it signs',
    )
  })

  test('whose signature was made with another key', async () => {
    expect(await refuse(signImage(image, factory, { key: stranger.key }))).toBe('its signature is wrong')
  })

  test('that only says that it is signed', async () => {
    const signed = signImage(image, factory)
    signed.writeUInt16LE(0x0ef1, image.length + ((8 - (image.length % 8)) % 8) + 6)
    expect(await refuse(signed)).toBe('it is not signed')
  })

  test('whatever else its signature holds, and nothing but our own error comes of it', async () => {
    const signed = signImage(image, factory)
    const start = signed.length - 900
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 400; seed++) {
      const random = createRandom(seed)
      const mutant = Buffer.from(signed)
      for (let count = 1 + random.below(3); count > 0; count--)
        mutant[start + random.below(900)] = random.pick([0, 0x30, 0x80, 0x84, 0xff, random.below(256)])
      const outcome = await refuse(mutant).catch((error: unknown) => {
        if (!(error instanceof AgentError) || error.code !== 'malformed')
          throw new Error(`seed ${seed}`, { cause: error })
        return error.message
      })
      outcomes.add(outcome ?? 'taken')
    }
    expect(outcomes.size).toBeGreaterThan(5)
  })
})

test('the share keeps an image off that is signed by somebody else, and takes one of the pinned signer', async () => {
  const [good, bad] = [join(directory, 'good.efi'), join(directory, 'bad.efi')]
  await using at = await startShareLab('127.0.116.4', { files: { 'v1.13.9': bad, 'v1.13.10': good } })
  const [id] = [...at.lab.schematics.keys()]
  at.share = at.open({ signedBy: async () => [factory.certificate] })
  await using plain = await startShareLab('127.0.116.4')
  const made = (version: string) => plain.lab.imageBytes(id!, version, 'metal-amd64-uki.efi')
  await writeFile(bad, signImage(made('v1.13.9'), stranger))
  await writeFile(good, signImage(made('v1.13.10'), factory))
  expect(await refusal(at.stage('v1.13.9'))).toMatchObject({
    code: 'malformed',
    message: expect.stringContaining('was rejected: it is signed by CN=a stranger, which is not pinned'),
  })
  expect(await at.files()).toEqual([])
  expect(await at.stage('v1.13.10')).toMatchObject({ published: true })
})

test.skipIf(lacks(whyNoSigning()))('what sbsign signs is taken, and what is changed after that is not', async () => {
  const [plain, signed] = [join(directory, 'plain.efi'), join(directory, 'signed.efi')]
  await writeFile(plain, image)
  const { certificate } = await signUki(plain, signed)
  const bytes = await readFile(signed)
  const pinned = [await readFile(certificate, 'utf8')]
  expect(await refuse(bytes, pinned)).toBeUndefined()
  expect(await refuse(bytes)).toContain('which is not pinned')
  expect(await refuse(changed(bytes), pinned)).toContain('it was changed after it was signed')
})
