import { hash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256Of } from '../../../src/adapters/share/files.ts'
import { filler } from '../../lab/uki-writer.ts'

test.each([0, 1, 524_288, 1_300_000])(
  'a file of %d bytes has the checksum of its bytes, or of the first of them',
  async (bytes) => {
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-files-'))
    const [path, contents] = [join(directory, 'file'), filler(bytes, 'contents')]
    await writeFile(path, contents)
    expect(await sha256Of(path)).toBe(hash('sha256', contents))
    for (const most of [1_468, 600_000])
      expect(await sha256Of(path, most)).toBe(hash('sha256', contents.subarray(0, most)))
    await expect(sha256Of(path, undefined, AbortSignal.abort())).rejects.toThrow('aborted')
    await rm(directory, { recursive: true })
  },
)
