import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from './lab/process.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test.skipIf(process.platform !== 'linux')(
  'a checkout starts the Node that it brings along, also where npm has not linked it',
  async () => {
    await using folder = await temporaryFolder()
    const at = (path: string) => join(folder.path, path)
    const node = at(`node_modules/node-linux-${process.arch}/bin/node`)
    const lock = await readFile(join(root, 'package-lock.json'))
    for (const path of [at('test/run.mjs'), at('node_modules/.bin/vitest'), node])
      await mkdir(dirname(path), { recursive: true })
    await copyFile(join(root, 'test/run.mjs'), at('test/run.mjs'))
    await writeFile(at('package-lock.json'), lock)
    await writeFile(at('node_modules/.caretaker-lock'), createHash('sha256').update(lock).digest('hex'))
    await writeFile(node, '#!/bin/sh\necho "its own Node runs $1"\n')
    await chmod(node, 0o755)
    const { stdout, status } = spawnSync(process.execPath, [at('test/run.mjs'), 'generate'], { encoding: 'utf8' })
    expect({ stdout, status }).toEqual({ stdout: 'its own Node runs test/generate.ts\n', status: 0 })
  },
)
