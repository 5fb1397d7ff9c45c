import { expect, test } from 'vitest'
import type { ImageOrder } from '../../src/core/release/image.ts'
import type { Factory, Share } from '../../src/core/release/ports.ts'
import { refusal } from '../adapters/refusal.ts'
import { stageOn } from '../adapters/share/lab.ts'
import { homelabSchematicId } from '../lab/homelab.ts'
import { soon } from '../patience.ts'

/** An empty share, and a Factory that makes every release of v1.13 for the homelab's schematic. */
export interface ShareUnderTest extends AsyncDisposable {
  readonly share: Share
  readonly factory: Factory
}

/** What the agent relies on in the directory that machines boot from. */
export function shareContract(open: () => Promise<ShareUnderTest>): void {
  const order = (version: string): ImageOrder => ({
    schematic: homelabSchematicId,
    version,
    architecture: 'amd64',
    secureBoot: false,
    kind: 'uki',
    kernelArguments: [],
  })
  const stage = ({ share, factory }: ShareUnderTest, version: string, publish = true) =>
    stageOn({ share, factory }, order(version), { publish })
  const shown = async ({ share }: ShareUnderTest) =>
    (await share.staged()).map(({ version, published }) => `${version}${published ? ' published' : ''}`)

  test('has nothing at first', async () => {
    await using at = await open()
    expect(await at.share.staged()).toEqual([])
  })

  test('tells what it has staged', async () => {
    await using at = await open()
    const image = await stage(at, 'v1.13.9')
    expect(image).toMatchObject({ version: 'v1.13.9', schematic: homelabSchematicId, published: true })
    expect(image.architecture).toBe('amd64')
    expect(image.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(image.bytes).toBe(await at.factory.warm(order('v1.13.9'), soon()))
    expect(new Date(image.stagedAt).toISOString().slice(0, 19)).toBe(image.stagedAt.slice(0, 19))
    expect(await at.share.staged()).toEqual([image])
  })

  test('tells what a UKI is made of, of which its kernel and its initrd are most', async () => {
    await using at = await open()
    const { path } = await stage(at, 'v1.13.9')
    const sections = await at.share.sections(path, soon())
    expect(sections.map(({ name }) => name)).toEqual(expect.arrayContaining(['.linux', '.initrd']))
    expect(sections.filter(({ bytes }) => bytes <= 0)).toEqual([])
  })

  test('says why no image can be written, and nothing where one can', async () => {
    await using at = await open()
    expect(await at.share.whyNotWritable(undefined)).toBeUndefined()
    expect(await at.share.whyNotWritable(1_000)).toBeUndefined()
    expect(await at.share.whyNotWritable(1e18)).toMatch(/^the share has .* free and needs /)
    await stage(at, 'v1.13.9')
    expect(await at.share.whyNotWritable(1_000)).toBeUndefined()
  })

  test('serves one image at a time, and shows it first', async () => {
    await using at = await open()
    await stage(at, 'v1.13.8')
    await stage(at, 'v1.13.9')
    expect(await shown(at)).toEqual(['v1.13.9 published', 'v1.13.8'])
    await stage(at, 'v1.13.8')
    expect(await shown(at)).toEqual(['v1.13.8 published', 'v1.13.9'])
  })

  test('brings an image without serving it, where that is asked', async () => {
    await using at = await open()
    await stage(at, 'v1.13.8')
    expect(await stage(at, 'v1.13.9', false)).toMatchObject({ version: 'v1.13.9', published: false })
    expect(await shown(at)).toEqual(['v1.13.8 published', 'v1.13.9'])
    await stage(at, 'v1.13.8', false)
    expect(await shown(at)).toEqual(['v1.13.8 published', 'v1.13.9'])
  })

  test('does not bring again what is there', async () => {
    await using at = await open()
    const { factory } = at
    const first = await stage(at, 'v1.13.9')
    let asked = 0
    const counting = {
      warm: factory.warm,
      open: (...rest: Parameters<Factory['open']>) => (asked++, factory.open(...rest)),
    }
    expect(await stageOn({ share: at.share, factory: counting }, order('v1.13.9'))).toEqual(first)
    expect(asked).toBe(0)
    expect(await shown(at)).toEqual(['v1.13.9 published'])
  })

  test('keeps what it serves when a new image can’t be had', async () => {
    await using at = await open()
    await stage(at, 'v1.13.8')
    const staging = at.share.stage(order('v1.13.9'), at.factory, AbortSignal.abort())
    expect((await refusal(staging)).retryable).toBe(true)
    expect(await shown(at)).toEqual(['v1.13.8 published'])
  })
}
