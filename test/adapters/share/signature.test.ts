import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refuseSignature } from '../../../src/adapters/share/refuse-signature.ts'
import { AgentError } from '../../../src/core/errors.ts'
import type { ImageOrder } from '../../../src/core/release/image.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import { createRandom } from '../../core/random.ts'
import { imageOf, sectionOf } from '../../core/release/images.ts'
import { isoOf } from '../../core/release/isos.ts'
import { unproven } from '../../fakes/factory.ts'
import { homelabSchematicId } from '../../lab/homelab.ts'
import { lacks } from '../../lab/needs.ts'
import { signUki, whyNoSigning } from '../../lab/uki/real-uki.ts'
import { createSigner, type ImageSigner, signImage } from '../../lab/uki/sign-image.ts'
import { refusal } from '../refusal.ts'
import { bootName, orderOf, type ShareLab, stageOn, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

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
  return refuseSignature(path, { kind: 'uki', pinned, mustBeSigned })
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

describe('an image that was staged before certificates were pinned', () => {
  const secure: ImageOrder = { ...orderOf('v1.13.9'), secureBoot: true }
  const signal = soon()
  let at: ShareLab
  let file: string
  /** The lab's Factory has no keys of its own. */
  const signs: Pick<Factory, 'warm' | 'open'> = {
    warm: async () => undefined,
    open: async () => ({ offset: 0, size: undefined, etag: undefined, body: createReadStream(file), ...unproven }),
  }
  const stage = () => stageOn({ share: at.share, factory: signs }, secure)
  /** What the Factory sends from now on. */
  let sends: (signer: ImageSigner) => Promise<void>
  beforeEach(async () => {
    file = join(directory, 'secure.efi')
    at = await startShareLab('127.0.116.5')
    const made = at.lab.imageBytes(homelabSchematicId, 'v1.13.9', bootName)
    sends = (signer) => writeFile(file, signImage(made, signer))
    await sends(stranger)
    await stage()
    at.share = at.open({ signedBy: async () => [factory.certificate] })
  })
  afterEach(() => at[Symbol.asyncDispose]())

  test('is not published again, neither to restore it nor to go back to it', async () => {
    expect(await refusal(at.share.publish('other.efi', secure, signal))).toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(/is not published: it is signed by CN=a stranger, which is not pinned$/),
    })
    await rm(join(at.directory, bootName))
    expect((await refusal(at.share.publish(bootName, secure, signal))).message).toContain('which is not pinned')
    expect(await at.files()).not.toContain(bootName)
  })

  test('does not count as staged, and is brought again', async () => {
    expect((await refusal(stage())).message).toContain('was rejected: it is signed by CN=a stranger')
    await sends(factory)
    await stage()
    expect(await at.published()).toEqual(await readFile(file))
  })

  test('is named when everything is verified', async () => {
    const [first, name] = await at.share.verify(secure, signal)
    expect(first).toMatchObject({
      path: expect.stringContaining('v1.13.9'),
      fault: expect.stringContaining('not pinned'),
    })
    expect(name).toMatchObject({ path: bootName })
    expect(name).not.toHaveProperty('fault')
  })

  test('is read once, and no more as long as the same are pinned', async () => {
    await sends(factory)
    at.share = at.open()
    await at.share.prune({ images: [secure], names: [bootName] }, signal)
    await stage()
    at.share = at.open({ signedBy: async () => [factory.certificate] })
    await stage()
    const place = (await at.share.staged())[0]!.path
    // Its manifest says that it was found good: what nobody has read since is taken.
    await writeFile(join(at.directory, place), changed(await readFile(file)))
    expect(await at.share.stage(secure, signs, signal)).toMatchObject({ version: 'v1.13.9' })
    expect((await refusal(at.share.publish('other.efi', secure, signal))).code).toBe('malformed')
  })
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

test('an ISO is taken only with everything in it signed that firmware and its boot loader start', async () => {
  const refuseIso = async (loader: Buffer, uki: Buffer) => {
    const path = join(directory, 'image.iso')
    await writeFile(path, isoOf('v1.13.9', { secureBoot: true, loader, uki }))
    return refuseSignature(path, { kind: 'iso', pinned: [factory.certificate], mustBeSigned: true })
  }
  const [loader, uki] = [signImage(imageOf(), factory), signImage(image, factory)]
  expect(await refuseIso(loader, uki)).toBeUndefined()
  expect(await refuseIso(loader, image)).toBe('its UKI: it is not signed')
  expect(await refuseIso(imageOf(), uki)).toBe('BOOTX64.EFI: it is not signed')
  expect(await refuseIso(loader, signImage(image, stranger))).toBe(
    'its UKI: it is signed by CN=a stranger, which is not pinned',
  )
  expect(await refuseIso(loader, changed(uki))).toContain('its UKI: its signature is that of another image')
})
