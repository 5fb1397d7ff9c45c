import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mountExfat, mountSamba, whyNoSpellings } from '../../lab/spellings.ts'
import { soon } from '../../patience.ts'
import { bootName, orderOf, startShareLab, stageOn } from './lab.ts'

describe.each([
  { kind: 'samba', mount: () => mountSamba('127.0.113.26'), address: '127.0.113.27' },
  { kind: 'exfat', mount: mountExfat, address: '127.0.113.28' },
] as const)('a share on $kind', ({ kind, mount, address }) => {
  test.skipIf(whyNoSpellings(kind))('takes two spellings of a name for one', async () => {
    await using at = await startShareLab(address, { imageBytes: 1_500_000 })
    await using mounted = await mount()
    const share = at.open({ directory: mounted.path })
    const published = (name: string) => readFile(join(mounted.path, name))
    const top = async () => (await readdir(mounted.path)).filter((name) => name.endsWith('.efi')).toSorted()

    await stageOn({ share, factory: at.factory }, orderOf('v1.13.8'))
    await stageOn({ share, factory: at.factory }, orderOf('v1.13.9'))
    expect((await published(bootName)).equals(at.image('v1.13.9'))).toBe(true)
    expect(await share.verify(orderOf('v1.13.9'), soon())).not.toContainEqual(
      expect.objectContaining({ fault: expect.anything() }),
    )
    // Somebody else's stays.
    await writeFile(join(mounted.path, 'Mine.efi'), 'a game')
    await expect(share.publish('mine.EFI', orderOf('v1.13.9'), soon())).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('to the share it is the same name as Mine.efi'),
    })
    expect((await published('Mine.efi')).toString()).toBe('a game')
    // Ours gets the spelling that it has now, and keeps it.
    await share.publish('Board.efi', orderOf('v1.13.8'), soon())
    for (const version of ['v1.13.9', 'v1.13.8']) {
      await share.publish('board.efi', orderOf(version), soon())
      expect(await top()).toEqual(['Mine.efi', 'board.efi', bootName].toSorted())
      expect((await published('board.efi')).equals(at.image(version))).toBe(true)
    }
    expect((await share.names()).map(({ file, fault }) => [file, fault])).toEqual([
      ['board.efi', undefined],
      [bootName, undefined],
    ])
  })
})
