import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { assetsOf, type ImageKind, type ImageOrder } from '../../../src/core/release/image.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { refusal } from '../refusal.ts'
import { orderOf, type ShareLab, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.113.22', { imageBytes: 20_000 })
  at.share = at.open({ schematicOf: () => homelabSchematic })
})
afterEach(() => at[Symbol.asyncDispose]())

const ordered = (kind: ImageKind, change: Partial<ImageOrder> = {}): ImageOrder => ({
  ...orderOf('v1.13.9'),
  kind,
  ...change,
})
const placeOf = (suffix: string) => `talos/v1.13.9/${homelabSchematicId.slice(0, 12)}${suffix}`

async function publish(order: ImageOrder, file: string): Promise<string> {
  await at.share.stage(order, at.factory, soon())
  await at.share.publish(file, order, soon())
  return join(at.directory, file)
}

describe('a kernel for iPXE', () => {
  test('is published as a script that names its kernel, its initramfs and its command line', async () => {
    const script = await readFile(await publish(ordered('kernel'), 'metal-amd64.ipxe'), 'utf8')
    const [kernel, initramfs, commandLine] = assetsOf(ordered('kernel')) as [string, string, string]
    const place = placeOf('-amd64-kernel')
    const words = await readFile(join(at.directory, place, commandLine), 'utf8')
    expect(words).toContain('talos.platform=metal')
    expect(script).toBe(`#!ipxe\nkernel ${place}/${kernel} ${words.trim()}\ninitrd ${place}/${initramfs}\nboot\n`)
    for (const name of [kernel, initramfs]) {
      const file = join(at.directory, place, name)
      expect(await readFile(file)).toEqual(at.lab.imageBytes(homelabSchematicId, 'v1.13.9', name))
      expect((await stat(file)).mode & 0o777).toBe(0o644)
    }
    expect(await at.share.names()).toMatchObject([{ file: 'metal-amd64.ipxe', kind: 'kernel', fault: undefined }])
    expect(await at.share.staged()).toMatchObject([{ kind: 'kernel', publishedAs: ['metal-amd64.ipxe'] }])
  })

  test.each([
    { fault: { wrongArch: true }, says: 'its kernel is for arm64, and amd64 was requested' },
    { fault: { leftOutExtension: 'siderolabs/i915' }, says: 'it lacks siderolabs/i915, which its schematic names' },
    { fault: { wrongSchematic: true }, says: 'it is built from another schematic' },
    { fault: { html: true }, says: 'its kernel is none that boots by UEFI' },
  ])('is refused where $says', async ({ fault, says }) => {
    Object.assign(at.lab.faults, fault)
    const error = await refusal(at.share.stage(ordered('kernel'), at.factory, soon()))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining(says) })
    expect(await at.files()).toEqual([])
  })

  test('is refused where it lacks a kernel argument of the schematic', async () => {
    const order = ordered('kernel', { kernelArguments: ['net.ifnames=0'] })
    const error = await refusal(at.share.stage(order, at.factory, soon()))
    expect(error.message).toContain('its command line lacks net.ifnames=0, which the schematic adds')
  })
})

test('every part of an image is verified, and what machines get under its names', async () => {
  const order = ordered('kernel')
  await publish(order, 'metal-amd64.ipxe')
  const place = placeOf('-amd64-kernel')
  const [kernel, initramfs, commandLine] = assetsOf(order).map((name) => `${place}/${name}`) as [string, string, string]
  const paths = [kernel, initramfs, commandLine, 'metal-amd64.ipxe']
  const parts = await at.share.verify(order, soon())
  expect(parts.map(({ path, fault }) => ({ path, fault }))).toEqual(paths.map((path) => ({ path, fault: undefined })))
  for (const path of [initramfs, commandLine, 'metal-amd64.ipxe']) {
    const file = join(at.directory, path)
    const before = await readFile(file)
    const other = Buffer.from(before)
    other[other.length - 1]! ^= 1
    await writeFile(file, other)
    const wrong = (await at.share.verify(order, soon())).filter(({ fault }) => fault !== undefined)
    expect(wrong).toMatchObject([{ path, fault: expect.stringContaining('somebody has changed it') }])
    await writeFile(file, before)
  }
  await rm(join(at.directory, 'metal-amd64.ipxe'))
  const gone = (await at.share.verify(order, soon())).filter(({ fault }) => fault !== undefined)
  expect(gone).toMatchObject([{ path: 'metal-amd64.ipxe', fault: 'it is gone' }])
})

describe('an ISO', () => {
  test('is published as it is', async () => {
    const file = await publish(ordered('iso'), 'metal-amd64.iso')
    expect(await readFile(file)).toEqual(at.lab.imageBytes(homelabSchematicId, 'v1.13.9', 'metal-amd64.iso'))
  })

  test.each([
    { fault: { wrongVersion: 'v1.13.8' }, says: 'it is v1.13.8, and v1.13.9 was requested' },
    { fault: { wrongArch: true }, says: 'it boots by BOOTAA64.EFI, which is not for amd64' },
    { fault: { wrongSchematic: true }, says: 'it is built from another schematic' },
    { fault: { leftOutExtension: 'siderolabs/i915' }, says: 'it lacks siderolabs/i915, which its schematic names' },
  ])('is refused where $says', async ({ fault, says }) => {
    Object.assign(at.lab.faults, fault)
    const error = await refusal(at.share.stage(ordered('iso'), at.factory, soon()))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining(says) })
    expect(await at.files()).toEqual([])
  })

  test('is refused where it is a page of HTML', async () => {
    at.lab.faults.html = true
    const error = await refusal(at.share.stage(ordered('iso'), at.factory, soon()))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining('it is not a CD image') })
  })
})

test('images of one release for different machines lie side by side, each with its own name', async () => {
  const orders = [ordered('uki'), ordered('uki', { architecture: 'arm64' }), ordered('iso'), ordered('kernel')]
  for (const [index, order] of orders.entries()) await publish(order, `name-${index}`)
  expect((await at.share.staged()).map(({ path }) => path.split('/')[2]!.slice(12)).toSorted()).toEqual([
    '',
    '-amd64-iso',
    '-amd64-kernel',
    '-arm64',
  ])
  expect(await at.share.names()).toHaveLength(4)
})

test('an image for SecureBoot that nobody has signed is refused', async () => {
  // A Factory that takes no notice of what was asked.
  const open = (...[order, ...rest]: Parameters<typeof at.factory.open>) =>
    at.factory.open({ ...order, asset: 'metal-amd64-uki.efi' }, ...rest)
  const careless = { open, warm: async () => undefined }
  const error = await refusal(at.share.stage(ordered('uki', { secureBoot: true }), careless, soon()))
  expect(error.message).toContain('it is not signed, and an image for SecureBoot was requested')
})
