import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ImageOrder } from '../../src/core/release/image.ts'
import type { Factory } from '../../src/core/release/ports.ts'
import { refusal } from '../adapters/refusal.ts'
import { homelabSchematic } from '../lab/homelab.ts'
import { soon } from '../patience.ts'

/** A Factory that offers v1.12.11, v1.13.9 and v1.14.0-rc.1. It has withdrawn v1.13.8. */
export interface FactoryUnderTest extends AsyncDisposable {
  readonly factory: Factory
}

/** What the agent relies on in an Image Factory. */
export function factoryContract(open: () => Promise<FactoryUnderTest>): void {
  async function order(factory: Factory): Promise<ImageOrder> {
    const { id: schematic } = await factory.register(homelabSchematic, soon())
    return { schematic, version: 'v1.13.9', architecture: 'amd64', secureBoot: false, kind: 'uki', kernelArguments: [] }
  }

  test('offers its releases oldest first', async () => {
    await using at = await open()
    expect(await at.factory.versions(soon())).toEqual(['v1.12.11', 'v1.13.9', 'v1.14.0-rc.1'])
  })

  test('marks what it has withdrawn, and offers none of it', async () => {
    await using at = await open()
    expect(await at.factory.withdrawn(await at.factory.versions(soon()), soon())).toEqual(['v1.13.8'])
  })

  test('names the registry that serves the installers by its host', async () => {
    await using at = await open()
    expect(at.factory.registry).toMatch(/^[a-z0-9.]+(:\d+)?$/)
  })

  test('gives a schematic the same id each time', async () => {
    await using at = await open()
    const { id } = await at.factory.register(homelabSchematic, soon())
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(await at.factory.register(homelabSchematic, soon())).toEqual({ id })
  })

  test('tells the size of an image beforehand, and then sends just that', async () => {
    await using at = await open()
    const image = await order(at.factory)
    const size = await at.factory.warm(image, soon())
    const download = await at.factory.open(image, undefined, soon())
    expect(download).toMatchObject({ offset: 0, size })
    expect(await buffer(download.body)).toHaveLength(size!)
  })

  test('goes on where a download broke off', async () => {
    await using at = await open()
    const image = await order(at.factory)
    const { etag, body, size } = await at.factory.open(image, undefined, soon())
    const bytes = await buffer(body)
    const rest = await at.factory.open(image, { offset: 60, etag: etag! }, soon())
    expect(rest).toMatchObject({ offset: 60, size, etag })
    expect(await buffer(rest.body)).toEqual(bytes.subarray(60))
  })

  test('starts over where the part that one has is of other bytes', async () => {
    await using at = await open()
    const image = await order(at.factory)
    const download = await at.factory.open(image, { offset: 60, etag: '"other"' }, soon())
    expect(download.offset).toBe(0)
    expect(await buffer(download.body)).toHaveLength(download.size!)
  })

  test('does nothing any more for who has called it off', async () => {
    await using at = await open()
    const image = await order(at.factory)
    const off = AbortSignal.abort()
    for (const call of [
      at.factory.versions(off),
      at.factory.withdrawn([], off),
      at.factory.register(homelabSchematic, off),
      at.factory.warm(image, off),
      at.factory.open(image, undefined, off),
    ])
      expect((await refusal(call)).retryable).toBe(true)
  })
}
